import { describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../e2e/reactor.ts";
import { inject, straceMissing } from "./strace.ts";

/** Writes one function for each line of its input and prints what came of it. */
const writer = `
  const { openSqliteStore } = await import(process.argv[1] + "/src/store/sqlite/open-sqlite-store.ts");
  const { systemClock } = await import(process.argv[1] + "/src/base/clock.ts");
  const { silentLog } = await import(process.argv[1] + "/src/base/log.ts");
  const { aFunction } = await import(process.argv[1] + "/src/store/testing/store-records.ts");
  const store = await openSqliteStore({ path: process.argv[2], clock: systemClock, log: silentLog });
  console.log("open");
  for await (const line of console) {
    const record = aFunction({ id: line, name: line, slug: line });
    const written = store.write((writer) => writer.insertFunction(record));
    console.log(await written.then(() => "ok", (error) => error.code));
  }`;

describe.skipIf(straceMissing !== undefined)(
  `a sync that fails (${straceMissing ?? "by strace"})`,
  () => {
    test("stops writes until everything was written and synced anew, and not before", async () => {
      const folder = await mkdtemp(join(tmpdir(), "reactor-sync-"));
      const child = Bun.spawn([process.execPath, "-e", writer, root, join(folder, "store.db")], {
        stdin: "pipe",
        stdout: "pipe",
        stderr: "inherit",
      });
      try {
        const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
        const next = async (): Promise<string> => ((await output.read()).value ?? "").trim();
        const write = async (id: string): Promise<string> => {
          void child.stdin.write(`${id}\n`);
          await child.stdin.flush();
          return next();
        };
        expect(await next()).toBe("open");
        expect(await write("first")).toBe("ok");
        // The first sync is the commit's. The second, of the log, succeeds, as a kernel may say after
        // it dropped what it could not write; the third is the database's own.
        const fault = { syscalls: "fsync,fdatasync", fault: "error=EIO:when=1+2" };
        const failing = await inject(child.pid, fault);
        expect(await write("second")).toBe("storage_unavailable");
        expect(await write("third")).toBe("storage_unavailable");
        await failing.detach();
        expect(await write("fourth")).toBe("ok");
        expect(await write("second")).toBe("ok");
      } finally {
        child.kill("SIGKILL");
        await child.exited;
        await rm(folder, { recursive: true });
      }
    });
  },
);
