import { afterAll } from "bun:test";
import { systemClock } from "../../base/clock.ts";
import type { Artifact, Driver, Instance } from "../driver.ts";
import { CaseContext, type SpecOverrides } from "../suite/case-context.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import type { PythonDriverOptions } from "./driver.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const deadlineMs = 20_000;
const { signal } = new AbortController();

export interface FunctionOptions extends SpecOverrides {
  /** Name that the manifest gives. */
  readonly handler?: string;
  readonly entrypoint?: string;
}

/** A driver for one test file, with what its tests need to start functions and to call them. */
export class FunctionContext extends CaseContext {
  /** Starts a function of one file, `index.py`. */
  function(source: string, options: FunctionOptions = {}): Promise<Instance> {
    return this.files({ "index.py": source }, options);
  }

  async files(
    files: Readonly<Record<string, string>>,
    options: FunctionOptions = {},
  ): Promise<Instance> {
    const artifact = await packed(this.driver, files, options);
    return this.startArtifact(artifact, specOf(options));
  }

  /** What the deployment of such a function would say: the failure and the log. */
  async failure(
    files: Readonly<Record<string, string>>,
    options: FunctionOptions = {},
  ): Promise<{ readonly message: string; readonly log: string }> {
    const artifact = await packed(this.driver, files, options);
    const { exit, log } = await this.failedStart(artifact, specOf(options));
    return { message: "message" in exit ? exit.message : JSON.stringify(exit), log };
  }
}

function specOf(options: FunctionOptions): SpecOverrides {
  const { handler, entrypoint: _, ...overrides } = options;
  if (handler === undefined) return overrides;
  return { ...overrides, manifest: { ...suiteManifest({ runtime: "python" }), handler } };
}

function packed(
  driver: Driver,
  files: Readonly<Record<string, string>>,
  options: FunctionOptions,
): Promise<Artifact> {
  const encoder = new TextEncoder();
  const manifest = {
    ...suiteManifest({ runtime: "python" }),
    entrypoint: options.entrypoint ?? "index.py",
  };
  const bytes = Object.entries(files).map(([path, text]) => [path, encoder.encode(text)] as const);
  return driver.prepare({ deploymentId: "dep_suite", manifest, files: new Map(bytes) }, signal);
}

/** Opens the context of a test file; it is closed after its last test. */
export function openFunctionContext(options: Partial<PythonDriverOptions> = {}): FunctionContext {
  const made = createTestDriver({ blanksMax: 0, ...options });
  afterAll(() => made.close());
  return new FunctionContext({
    harness: { driver: made.driver, close: () => made.close() },
    clock: systemClock,
    deadlineMs,
    runtime: "python",
  });
}
