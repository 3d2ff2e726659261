import { afterAll, describe, expect, test } from "bun:test";
import { createTestDriver as createTestBun } from "../bun/test-driver.harness.ts";
import type { Driver } from "../driver.ts";
import { createTestDriver as createTestNode, nodeBinaries } from "../node/test-driver.harness.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { buildNativeAddon, platformLoader } from "./native-addon.harness.ts";

const signal = new AbortController().signal;
const addon = buildNativeAddon();
const needsCompiler = test.skipIf(addon === undefined);

const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

const made: readonly {
  readonly name: string;
  readonly runtime: "bun" | "node";
  readonly create: (nativeAddons: boolean) => Driver;
}[] = [
  {
    name: "bun",
    runtime: "bun",
    create: (nativeAddons) => kept(createTestBun({ nativeAddons, blanksMax: 0 })),
  },
  ...nodeBinaries.map(({ name, runtimeBinary }) => ({
    name,
    runtime: "node" as const,
    create: (nativeAddons: boolean) =>
      kept(createTestNode({ nativeAddons, runtimeBinary, blanksMax: 0 })),
  })),
];

function kept(opened: { readonly driver: Driver; close(): Promise<void> }): Driver {
  closing.push(() => opened.close());
  return opened.driver;
}

/** Calls the function once and gives its text. */
async function answer(
  { runtime, preparing, running }: { runtime: "bun" | "node"; preparing: Driver; running: Driver },
  sources: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  const files = new Map(
    Object.entries(sources).map(([path, content]) => [path, Buffer.from(content)]),
  );
  const manifest = suiteManifest({ runtime });
  const names = { functionId: "fn_1", functionName: "addon", deploymentId: "dep_1", revision: 1 };
  const artifact = await preparing.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  const spec = { ...names, projectId: "prj_1", manifest, env: {}, secrets: {}, onLog() {} };
  const instance = await running.start(artifact, { ...spec, startTimeoutMs: 20_000 }, signal);
  const text = await new Promise<string>((resolve) => {
    let body = "";
    const head = { invocationId: "i", requestId: "r", method: "GET", url: "http://x/", caller: "" };
    const stream = instance.serve({ ...head, deadlineMs: 0, headers: [] }, undefined, true, {
      head() {},
      data(chunk) {
        body += chunk.toString();
        stream.consumed(chunk.length);
      },
      end: () => resolve(body),
      failed: (failure) => resolve(JSON.stringify(failure)),
      drained() {},
    });
  });
  await instance.stop({ graceMs: 0 });
  return text;
}

const handler = (line: string): string =>
  `${line}\nexport default { fetch: () => new Response(addon.hello()) };`;

describe.each(made)("native addons on $name", ({ runtime, create }) => {
  const both = (driver: Driver) => ({ runtime, preparing: driver, running: driver });

  needsCompiler("an addon that is allowed is imported and runs in the sandbox", async () => {
    const driver = create(true);
    const probe = await driver.probe(signal);
    const files = { "build/addon.node": addon ?? "" };
    const imported = handler('import addon from "./build/addon.node";');
    expect(await answer(both(driver), { ...files, "index.js": imported })).toBe(
      "machine code says hello",
    );
    const required = handler('const addon = require("./build/addon");');
    expect(await answer(both(driver), { ...files, "index.js": required })).toBe(
      "machine code says hello",
    );
    expect(probe.tier > 0).toBe(Bun.which("bwrap") !== null);
  });

  needsCompiler("a loader that tries platforms finds the addon of this one", async () => {
    const text = await answer(both(create(true)), {
      "index.js": handler('import addon from "fast";'),
      "node_modules/fast/index.js": platformLoader,
      "node_modules/@fast/here/package.json": `{"main":"fast.here.node"}`,
      "node_modules/@fast/here/fast.here.node": addon ?? "",
    });
    expect(text).toBe("machine code says hello");
  });

  test("an addon that is not allowed is refused, and the setting is named", async () => {
    const sources = {
      "index.js": handler('import addon from "./addon.node";'),
      "addon.node": "\x7fELF",
    };
    const refused: unknown = await answer(both(create(false)), sources).catch((error) => error);
    expect(String(refused)).toContain('"addon.node" is a native addon, which is not loaded unless');
    expect(String(refused)).toContain("functions.native_addons");
  });

  needsCompiler("what was deployed while it was allowed does not load afterwards", async () => {
    const drivers = { runtime, preparing: create(true), running: create(false) };
    const sources = {
      "index.js": handler('import addon from "./addon.node";'),
      "addon.node": addon ?? "",
    };
    const refused: unknown = await answer(drivers, sources).catch((error) => error);
    expect(refused).toBeInstanceOf(Error);
    expect(String(refused)).toContain(
      'Cannot load the native addon "addon.node": Cannot load native addon because loading addons is disabled; the operator allows it with functions.native_addons',
    );
  });

  needsCompiler("a file that is no addon is a start that fails", async () => {
    const sources = {
      "index.js": handler('import addon from "./addon.node";'),
      "addon.node": "this is no machine code",
    };
    const refused: unknown = await answer(both(create(true)), sources).catch((error) => error);
    expect(String(refused)).toContain('Cannot load the native addon "addon.node": ');
    expect(String(refused)).not.toContain("functions.native_addons");
  });
});
