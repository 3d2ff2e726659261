import { afterEach, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Instance, StartError } from "../driver.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";
import type { TestDriver } from "../process/testing/open-test-driver.ts";

const signal = new AbortController().signal;
const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

function testDriver(options: Parameters<typeof createTestDriver>[0] = {}): TestDriver {
  const made = createTestDriver({ blanksMax: 0, ...options });
  open.push(() => made.close());
  return made;
}

async function start(
  made: TestDriver,
  sources: Readonly<Record<string, string>>,
  memoryMb?: number,
): Promise<Instance> {
  const manifest = {
    ...suiteManifest({ runtime: "node", ...(memoryMb !== undefined && { memoryMb }) }),
    entrypoint: Object.keys(sources)[0],
  };
  const files = new Map(Object.entries(sources).map(([path, text]) => [path, Buffer.from(text)]));
  const artifact = await made.driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  const names = {
    projectId: "prj_test",
    functionId: "fn_1",
    functionName: "hello",
    deploymentId: "dep_1",
    revision: 1,
  };
  const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 10_000, onLog() {} };
  return made.driver.start(artifact, spec, signal);
}

function call(instance: Instance): Promise<{ text?: string; stack?: string | undefined }> {
  return new Promise((resolve) => {
    let text = "";
    const head = { invocationId: "i", requestId: "r", method: "GET", url: "http://x/", caller: "" };
    const stream = instance.serve({ ...head, deadlineMs: 0, headers: [] }, undefined, true, {
      head() {},
      data(chunk) {
        text += chunk.toString();
        stream.consumed(chunk.length);
      },
      end: () => resolve({ text }),
      failed: (failure) => resolve({ stack: "stack" in failure ? failure.stack : "" }),
      drained() {},
    });
  });
}

const thrower = {
  "code/index.ts": `interface Padding { readonly a: number }
import { fail } from "./deep/fail.ts";
export default { async fetch(request: Request) {
  return await fail();
} };`,
  "code/deep/fail.ts": `type Nothing = undefined;

export async function fail(): Promise<Response> {
  const { promise } = { promise: new Promise<void>((resolve) => setTimeout(resolve, 1)) };
  await promise;
  return new Response(new Error("planned").stack);
}`,
};

test.each(nodeBinaries.map(({ name, runtimeBinary }) => [name, runtimeBinary]))(
  "stack traces of %s name the author's files and lines",
  async (_name, runtimeBinary) => {
    const instance = await start(testDriver({ runtimeBinary }), thrower);
    const { text } = await call(instance);
    expect(text?.split("\n")).toEqual([
      "Error: planned",
      expect.stringMatching(/^ {4}at fail \(code\/deep\/fail\.ts:6:\d+\)$/),
      expect.stringMatching(/^ {4}at async .*code\/index\.ts:4:\d+\)$/),
    ]);
  },
);

test.each(nodeBinaries.map(({ name, runtimeBinary }) => [name, runtimeBinary]))(
  "a module of %s that throws while it is imported names its file and line",
  async (_name, runtimeBinary) => {
    const failing = {
      "index.ts": "type A = 1;\nconst a: number = 1;\nthrow new Error(`planned ${a}`);",
    };
    const outcome = await start(testDriver({ runtimeBinary }), failing).catch((error) => error);
    expect(outcome).toBeInstanceOf(StartError);
    expect((outcome as StartError).log).toContain("index.ts:3:");
  },
);

test("memory of buffers counts, and garbage within the limit does not", async () => {
  const made = testDriver();
  const churn = `export default { fetch() {
    let kept = [];
    for (let i = 0; i < 3_000_000; i++) kept[i % 20000] = { i, pair: [i, i + 1], text: "x" + i };
    for (let i = 0; i < 200; i++) kept = [Buffer.alloc(4 * 1024 * 1024, i)];
    return new Response("churned");
  } };`;
  const instance = await start(made, { "index.js": churn }, 256);
  expect(await call(instance)).toEqual({ text: "churned" });
  const hog =
    "export default { fetch() { const kept = []; for (;;) kept.push(Buffer.alloc(1 << 20, 1)); } };";
  const greedy = await start(made, { "index.js": hog }, 128);
  await call(greedy);
  expect(await greedy.exit).toMatchObject({ reason: "memory", limitMb: 128 });
});

test("a Node that is too old is unavailable, with what would help", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  chmodSync(folder, 0o755);
  open.push(async () => rmSync(folder, { recursive: true, force: true }));
  const runtimeBinary = join(folder, "node");
  writeFileSync(runtimeBinary, "#!/bin/sh\necho v18.20.4\n", { mode: 0o755 });
  const probe = await testDriver({ runtimeBinary }).driver.probe(signal);
  expect(probe).toMatchObject({ available: false, version: undefined });
  expect(probe.findings.join()).toContain('is version "v18.20.4", must be 20 or newer');
  expect(probe.remedies.join()).toContain("functions.node_path");
});
