import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeRunDir, processesWith, startServer, type TestServer } from "./reactor.ts";

/** Drafts on every runtime, and from the command line. */
let server: TestServer;
let runDir: string;

beforeAll(async () => {
  runDir = await makeRunDir();
  server = await startServer({ runtimes: "all", env: { REACTOR_RUN_DIR: runDir } });
});

afterAll(async () => {
  await server.stop();
  await rm(runDir, { recursive: true, force: true });
});

describe.each([
  [
    "node",
    "index.cjs",
    "exports.handler = (event, ctx) => { ctx.log('here'); return { got: event.n }; };",
  ],
  [
    "deno",
    "index.ts",
    "export const handler = (event: { n: number }) => { console.log('here'); return { got: event.n }; };",
  ],
  [
    "python",
    "index.py",
    "def handler(event):\n    print('here')\n    return {'got': event['n']}\n",
  ],
] as const)("a draft on %s", (runtime, path, code) => {
  test("runs in the same way", async () => {
    const files = new Map([[path, Buffer.from(code)]]);
    const outcome = await server.client.runPlayground({ runtime, files, event: { n: 7 } });
    expect(outcome).toMatchObject({ status: 200, shape: "event", error: null });
    if (typeof outcome.body !== "string") throw new Error("the body is no text");
    expect(JSON.parse(outcome.body)).toEqual({ got: 7 });
    expect(outcome.logs.map(({ message }) => message)).toEqual(["here"]);
  });
});

test("a draft that uses too much memory is function_crashed with the typed exit", async () => {
  const code =
    "const all = []; export function handler() { while (true) all.push(new Uint8Array(1e7).fill(1)); }";
  const files = new Map([
    ["index.ts", Buffer.from(code)],
    ["reactor.json", Buffer.from('{"limits":{"memory_mb":128}}')],
  ]);
  const { error } = await server.client.runPlayground({ files });
  expect(error).toMatchObject({
    code: "function_crashed",
    details: { exit: { reason: "memory", limit_mb: 128 } },
  });
});

test("drafts at isolation worker share one pod, which is not that of the functions", async () => {
  const handler = "let calls = 0; function handler() { return ++calls; }";
  await server.deploy("worker", handler, { runtime: "deno", isolation: "worker" });
  expect(await (await server.fetch("/fn/v1/worker")).json()).toBe(1);
  const pods = async (): Promise<number> =>
    (await processesWith(runDir)).filter((line) => line.includes("deno")).length;
  const draft = {
    runtime: "deno",
    isolation: "worker",
    files: new Map([["index.js", Buffer.from(handler)]]),
  } as const;
  expect((await server.client.runPlayground(draft)).body).toBe("1");
  const before = await pods();
  expect(before).toBeGreaterThan(1);
  for (let i = 0; i < 8; i++) expect((await server.client.runPlayground(draft)).body).toBe("1");
  // Blank ones come and go meanwhile; a pod for each draft would be eight more.
  expect((await pods()) - before).toBeLessThan(4);
});

test("reactor playground run prints the answer of a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reactor-draft-"));
  try {
    const file = join(folder, "sum.js");
    await writeFile(
      file,
      "function handler(event) { console.log('adding'); return event.a + event.b; }",
    );
    const { code, stdout, stderr } = await server.cli(
      "playground",
      "run",
      file,
      "--payload",
      '{"a":1,"b":2}',
    );
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "3", stderr: "info  adding\n" });
    const broken = join(folder, "broken.js");
    await writeFile(broken, "\n\nlet let = 1;");
    const failed = await server.cli("playground", "run", broken);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("broken.js:3:");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
