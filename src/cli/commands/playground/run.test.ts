import { afterAll, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFakeServer, errorResponse } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const root = await mkdtemp(path.join(tmpdir(), "reactor-playground-"));
await writeFile(path.join(root, "handler.ts"), "code");
await writeFile(path.join(root, "job.py"), "code");
await mkdir(path.join(root, "folder"));
await writeFile(path.join(root, "folder", "index.ts"), Buffer.from([0xff]));
afterAll(() => rm(root, { recursive: true, force: true }));

const outcome = {
  status: 200,
  headers: [],
  body: '{"ok":true}',
  shape: "event",
  prepare_ms: 1,
  start_ms: 2,
  duration_ms: 3,
  usage: { run_ms: 2.5, vcpu_ms: 2.5, gb_s: 0.000_625 },
  logs: [
    { at: "2026-11-21T10:00:00.000Z", level: "info", source: "log", message: "said\u001b[31m" },
  ],
  logs_dropped: 0,
  error: null,
};

function serverOf(answer: object) {
  return createFakeServer({ "POST /api/v1/playground/run": () => Response.json(answer) });
}

function run(server: ReturnType<typeof serverOf>, ...argv: string[]) {
  return runInTerminal(["playground", "run", ...argv], { server, cwd: root });
}

function sent(server: ReturnType<typeof serverOf>): unknown {
  return JSON.parse(server.requests[0]?.body.toString() ?? "");
}

describe("reactor playground run", () => {
  test("sends a file as the entry point, and prints the answer apart from the log", async () => {
    const server = serverOf(outcome);
    const { code, stdout, stderr } = await run(server, "handler.ts", "--json", '{"a":1}');
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '{"ok":true}',
      stderr: "info  said\n",
    });
    expect(sent(server)).toEqual({
      files: { "handler.ts": "code", "reactor.json": '{"entrypoint":"handler.ts"}' },
      event: { a: 1 },
      env: {},
    });
  });

  test("sends a folder whole, bytes in base64, and variables", async () => {
    const server = serverOf(outcome);
    await run(server, "folder", "--runtime", "node", "--env", "A=b=c", "--payload", "null");
    expect(sent(server)).toEqual({
      files: { "index.ts": { base64: "/w==" } },
      runtime: "node",
      event: null,
      env: { A: "b=c" },
    });
  });

  test("takes a .py file for Python", async () => {
    const server = serverOf(outcome);
    await run(server, "job.py");
    expect(sent(server)).toMatchObject({ runtime: "python" });
  });

  test("--output json prints the whole outcome", async () => {
    const { code, stdout } = await run(
      serverOf({ ...outcome, status: 418 }),
      "folder",
      "--output",
      "json",
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ ...outcome, status: 418 });
  });

  test("ends with 1 and the reason when the code failed", async () => {
    const details = { log: "handler.ts:1:1: ERROR" };
    const error = { code: "bundle_invalid", message: "Cannot bundle", status: 400, details };
    const failed = { ...outcome, status: null, body: "", logs: [], error };
    const { code, stdout, stderr } = await run(serverOf(failed), "handler.ts");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("bundle_invalid: Cannot bundle");
    expect(stderr).toContain("handler.ts:1:1: ERROR");
  });

  test("refuses wrong use, and tells what the server refused", async () => {
    const server = serverOf(outcome);
    expect((await run(server, "handler.ts", "--json", "{")).code).toBe(2);
    expect((await run(server, "handler.ts", "--json", "1", "--payload", "2")).code).toBe(2);
    expect((await run(server, "handler.ts", "--env", "novalue")).code).toBe(2);
    expect((await run(server, "handler.ts", "--runtime", "cobol")).code).toBe(2);
    expect((await run(server, "missing.ts")).code).toBe(1);
    expect(server.requests).toEqual([]);
    const busy = createFakeServer({
      "POST /api/v1/playground/run": () => errorResponse(429, "too_many_requests", "too many"),
    });
    const { code, stderr } = await run(busy, "handler.ts");
    expect([code, stderr]).toEqual([1, expect.stringContaining("too many")]);
  });
});
