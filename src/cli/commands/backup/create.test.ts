import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock } from "../../../base/clock.ts";
import { createDeferred } from "../../../base/deferred.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-create-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Waits twelve seconds for a server that has not begun to answer, then gives up by Ctrl-C. */
async function waitInVain(tty: boolean): Promise<string> {
  const clock = createVirtualClock();
  const interrupt = new AbortController();
  const asked = createDeferred<void>();
  const fetch = (request: Request): Promise<Response> =>
    new Promise((_, reject) => {
      request.signal.addEventListener("abort", () => reject(request.signal.reason));
      asked.resolve();
    });
  const { signal } = interrupt;
  const options = { cwd: folder, clock, signal, server: { requests: [], fetch }, tty };
  const run = runInTerminal(["backup", "create", "--output", "all.tar"], options);
  await asked.promise;
  await clock.advance(12_000);
  interrupt.abort(new Error("SIGINT"));
  return (await run).stderr;
}

test("shows on a terminal how long the server has been at it, and Ctrl-C leaves no file", async () => {
  expect(await waitInVain(true)).toContain("Taking a backup: the server copies its state");
  expect(await waitInVain(true)).toContain("  12 s");
  expect(await waitInVain(false)).not.toContain("Taking a backup");
  expect(await readdir(folder)).toEqual([]);
});
