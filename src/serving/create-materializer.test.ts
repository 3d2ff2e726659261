import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import type { DependencyInstaller } from "../dependencies/dependency-installer.ts";
import { ReactorError } from "../domain/errors.ts";
import type { FunctionRecord } from "../domain/function.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { DriverProbe } from "../drivers/driver.ts";
import { createMaterializer } from "./create-materializer.ts";
import type { Materializer, MaterializeRequest } from "./materializer.ts";
import { type ManifestChanges, testManifest } from "./plan-builder.harness.ts";
import { ScriptedDriver } from "./scripted-driver.harness.ts";

const owner: FunctionRecord = {
  id: "fn_hello",
  projectId: "default",
  name: "hello",
  slug: "hello",
  runtime: "bun",
  isolation: "process",
  enabled: true,
  createdAtMs: 0,
  updatedAtMs: 0,
  deletedAtMs: undefined,
  envVersion: 1,
};

async function bench(
  probe: Partial<DriverProbe> = {},
  dependencies?: DependencyInstaller,
): Promise<{ driver: ScriptedDriver; materializer: Materializer; lines: LogLine[] }> {
  const driver = new ScriptedDriver();
  const lines: LogLine[] = [];
  const found = { ...(await driver.probe()), ...probe };
  const materializer = createMaterializer({
    drivers: new Map([["bun/process", driver]]),
    probes: new Map([["bun/process", found]]),
    startTimeoutMs: 1000,
    clock: createVirtualClock(),
    ...(dependencies !== undefined && { dependencies }),
    onLog: (line) => void lines.push(line),
  });
  return { driver, materializer, lines };
}

function request(changes: ManifestChanges = {}): MaterializeRequest {
  return {
    function: owner,
    deploymentId: "dep_1",
    revision: 1,
    manifest: testManifest(changes),
    artifact: { deploymentId: "dep_1", entrypoint: "index.ts", code: Buffer.from("code") },
    env: { version: 1, env: { A: "1", B: "2" }, secrets: { S: "s" } },
    promotes: false,
  };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it succeeded");
}

const signal = new AbortController().signal;

/** Adds one package to whatever it is given. */
const installer: DependencyInstaller = {
  install: async ({ files }) => ({
    files: new Map([["node_modules/a/index.js", Buffer.from("package")], ...files]),
    notes: ["installed package-lock.json", "left out: b"],
  }),
};

describe("prepare() with packages", () => {
  const files = new Map([["index.js", Buffer.from("own")]]);
  const preparing = { deploymentId: "dep_1", manifest: testManifest(), files };

  test("the driver gets them, and the deployment's log says once what was installed", async () => {
    const { materializer, lines } = await bench({}, installer);
    const artifact = await materializer.prepare(preparing, signal);
    expect(Buffer.from(artifact.code).toString()).toBe("package");
    expect(lines).toEqual([]);
    await materializer.materialize({ ...request(), artifact }, signal);
    expect(lines.map(({ message }) => message)).toEqual([
      "installed package-lock.json",
      "left out: b",
    ]);
    expect(lines[0]).toMatchObject({
      functionId: "fn_hello",
      deploymentId: "dep_1",
      source: "platform",
      level: "info",
    });
  });

  test("a module that cannot be prepared fails with what was installed in its log", async () => {
    const { driver, materializer } = await bench({}, installer);
    driver.prepare = () =>
      Promise.reject(new ReactorError("bundle_invalid", "no b", { details: { log: "line 1" } }));
    expect(await failureOf(materializer.prepare(preparing, signal))).toMatchObject({
      code: "bundle_invalid",
      message: "no b",
      details: { log: "installed package-lock.json\nleft out: b\nline 1" },
    });
  });
});

describe("materialize()", () => {
  test("starts one instance with the declared env, learns its shape and destroys it", async () => {
    const { driver, materializer } = await bench();
    const made = await materializer.materialize(request({ envKeys: ["B"] }), signal);
    expect(made.shape).toBe("fetch");
    expect(Buffer.from(driver.starts[0]?.artifact.code ?? "").toString()).toBe("code");
    expect(driver.starts[0]?.spec).toMatchObject({ env: { B: "2" }, secrets: { S: "s" } });
    expect(driver.instances[0]?.stopOptions).toEqual({ graceMs: 0 });
    expect(driver.instances.length).toBe(1);
  });

  test("does not wait for the end of the instance, which takes longer than all before it", async () => {
    const { driver, materializer } = await bench();
    const start = driver.start.bind(driver);
    driver.start = async (...given) => {
      const instance = await start(...given);
      instance.stop = () => new Promise(() => undefined);
      return instance;
    };
    expect((await materializer.materialize(request(), signal)).shape).toBe("fetch");
  });

  test("a start that fails is cold_start_failed with the log and the typed exit", async () => {
    const { driver, materializer } = await bench();
    driver.startFailure = { exit: { reason: "load_failed", message: "no export" }, log: "line 3" };
    const failure = await failureOf(materializer.materialize(request(), signal));
    expect(failure).toMatchObject({
      code: "cold_start_failed",
      details: { log: "line 3", exit: { reason: "load_failed" } },
    });
  });
});

describe("prepare()", () => {
  const files = new Map([["index.ts", Buffer.from("code")]]);
  const preparing = { deploymentId: "dep_1", manifest: testManifest(), files };

  test("gives what the driver makes of the files", async () => {
    const { materializer } = await bench();
    const { code } = await materializer.prepare(preparing, signal);
    expect(Buffer.from(code).toString()).toBe("code");
  });

  test("a build that fails passes through with its own code", async () => {
    const { driver, materializer } = await bench();
    driver.prepare = () => Promise.reject(new ReactorError("bundle_invalid", "syntax"));
    expect(await failureOf(materializer.prepare(preparing, signal))).toMatchObject({
      code: "bundle_invalid",
    });
  });
});

describe("check()", () => {
  const enforced = { memory: "watchdog", cpu: "hard", network: "hard" } as const;
  const refusals: [string, ManifestChanges, Partial<DriverProbe>, string][] = [
    ["a runtime without a driver", { runtime: "python" }, {}, "use one of: bun"],
    [
      "a runtime that does not work here",
      {},
      { available: false, remedies: ["install bun"] },
      "install bun",
    ],
    ["an isolation that does not exist here", { isolation: "microvm" }, {}, 'use "process"'],
    [
      "a memory limit that is written but cannot be enforced",
      { limits: { memoryMb: { value: 64, written: true } } },
      {},
      "install bubblewrap",
    ],
    ["a CPU quota that cannot be enforced", { limits: { vcpu: 0.5 } }, {}, "install bubblewrap"],
    [
      "an egress list that cannot be enforced",
      { egressAllow: ["a.b:443"] },
      {},
      "install bubblewrap",
    ],
    [
      "a tier above what this machine gives",
      { minTier: 2 },
      { tier: 1 },
      "set min_tier to at most 1, or: install bubblewrap",
    ],
    ["the microVM's tier for a process", { minTier: 3 }, { tier: 2 }, 'isolation "microvm"'],
  ];
  for (const [name, manifest, probe, remedy] of refusals) {
    test(`refuses ${name} and names the remedy`, async () => {
      const { materializer } = await bench(probe);
      const check = (): void => materializer.check(testManifest(manifest));
      expect(check).toThrow(ReactorError);
      expect(check).toThrow(remedy);
      expect(await failureOf(materializer.materialize(request(manifest), signal))).toMatchObject({
        code: "unsupported_runtime",
      });
    });
  }

  test("accepts what is enforced, and defaults anywhere", async () => {
    const base = await new ScriptedDriver().probe();
    const { materializer } = await bench({ enforces: { ...base.enforces, ...enforced } });
    materializer.check(
      testManifest({
        limits: { memoryMb: { value: 64, written: true }, vcpu: 0.5 },
        egressAllow: ["a.b:443"],
      }),
    );
    (await bench()).materializer.check(testManifest());
    (await bench({ tier: 2 })).materializer.check(testManifest({ minTier: 2 }));
  });
});
