import { expect, test } from "bun:test";
import { runTool } from "./run-tool.ts";

const sh = (script: string, timeoutMs = 10_000) =>
  runTool("/bin/sh", ["-c", script], { timeoutMs });

test("runTool() gives output and exit code", async () => {
  expect(await sh("echo out; echo err >&2; exit 3")).toEqual({
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
    failure: undefined,
  });
});

test("runTool() gives the program an environment of two variables and an empty stdin", async () => {
  const { code, stdout } = await runTool("/usr/bin/env", [], { timeoutMs: 10_000 });
  expect(code).toBe(0);
  const names = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("=")[0]);
  expect(new Set(names)).toEqual(new Set(["LC_ALL", "PATH"]));
  expect((await sh("cat; echo end")).stdout).toBe("end\n");
});

test("runTool() says why there is no exit code", async () => {
  expect((await runTool("/nonexistent", [], { timeoutMs: 1000 })).failure).toContain(
    "could not be started",
  );
  expect((await sh("kill -TERM $$")).failure).toContain("SIGTERM");
  expect(await sh("exec sleep 60", 50)).toMatchObject({
    code: undefined,
    failure: "it did not end within 50 ms",
  });
});

test("runTool() kills a program that writes without end and keeps 64 KiB", async () => {
  const { failure, stdout } = await sh("exec yes");
  expect(failure).toBe("it wrote more than 65536 bytes");
  expect(stdout.length).toBeLessThanOrEqual(65_536);
});
