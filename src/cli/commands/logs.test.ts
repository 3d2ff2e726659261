import { afterEach, describe, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fakeFunction, fakeLogLine } from "../fake-resources.ts";
import { createFakeServer } from "../fake-server.ts";
import { runInTerminal } from "../run-in-terminal.ts";

const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

/** A server with these functions; each has one line, the later the later in the alphabet. */
function server(names: readonly string[]) {
  const logs = names.map((name, index) => [
    `GET /api/v1/functions/${name}/logs`,
    () => {
      const at = `2026-11-21T01:02:0${9 - (index % 10)}.000Z`;
      return Response.json({ items: [fakeLogLine({ at, message: `from ${name}` })] });
    },
  ]);
  return createFakeServer({
    "GET /api/v1/functions": () =>
      Response.json({ items: names.map((name) => fakeFunction({ name })), next_cursor: null }),
    ...Object.fromEntries(logs),
  });
}

describe("reactor logs", () => {
  test("without a name prints the lines of every function in order of time, each with its function", async () => {
    const { code, stdout } = await runInTerminal(["logs"], { server: server(["a", "b"]) });
    expect(code).toBe(0);
    expect(stdout).toBe(
      "2026-11-21T01:02:08.000Z info  b from b  req_1\n2026-11-21T01:02:09.000Z info  a from a  req_1\n",
    );
    const json = await runInTerminal(["logs", "--json", "--limit", "1"], {
      server: server(["a", "b"]),
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ function: "a", message: "from a" });
  });

  test("without a name in a function's folder prints that function's", async () => {
    const root = await mkdtemp(join(tmpdir(), "reactor-logs-"));
    folders.push(root);
    await mkdir(join(root, "functions/b"), { recursive: true });
    await writeFile(join(root, "functions/b/index.ts"), "");
    const target = server(["a", "b"]);
    const cwd = join(root, "functions/b");
    const { stdout } = await runInTerminal(["logs", "--since", "1h"], { server: target, cwd });
    expect(stdout).toContain("from b");
    expect(target.requests.length).toBe(1);
    expect(target.requests[0]?.line).toContain("since=");
  });

  test("of a request asks every function for that request", async () => {
    const target = server(["a", "b"]);
    await runInTerminal(["logs", "--request", "req_1"], { server: target });
    const asked = target.requests.filter(({ line }) => line.includes("request_id=req_1"));
    expect(asked.length).toBe(2);
  });

  test("says what to do with no function, with too many, and with --after", async () => {
    const none = await runInTerminal(["logs"], { server: server([]) });
    expect([none.code, none.stderr.includes("reactor deploy")]).toEqual([0, true]);
    const names = Array.from({ length: 33 }, (_, index) => `f${index}`);
    const many = await runInTerminal(["logs"], { server: server(names) });
    expect([many.code, many.stderr.includes("more than 32 functions")]).toEqual([1, true]);
    const after = await runInTerminal(["logs", "--after", "3"], { server: server(["a"]) });
    expect(after.code).toBe(2);
  });
});
