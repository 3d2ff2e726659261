import type { LogLine } from "../../domain/invocation.ts";
import type { Isolation, Runtime } from "../../domain/manifest.ts";
import type { Driver, Instance, InvocationFailure, StartSpec } from "../driver.ts";
import { suiteManifest } from "./suite-manifest.ts";

export interface StartOptions extends Partial<StartSpec> {
  /** `deno` when absent. */
  readonly runtime?: Runtime;
  readonly isolation?: Isolation;
  readonly egressAllow?: readonly string[];
  readonly logs?: LogLine[];
  /** Further files of the bundle. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** Prepares and starts a function of one file. */
export async function startFunction(
  driver: Driver,
  source: string,
  options: StartOptions = {},
): Promise<Instance> {
  const { signal } = new AbortController();
  const {
    runtime = "deno",
    isolation = "process",
    egressAllow,
    logs = [],
    files: more = [],
    ...spec
  } = options;
  const entrypoint = runtime === "python" ? "index.py" : "index.js";
  const manifest = { ...suiteManifest({ runtime }), isolation, egressAllow, entrypoint };
  const files = new Map([...more, [entrypoint, new TextEncoder().encode(source)]]);
  const artifact = await driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  return driver.start(
    artifact,
    {
      projectId: "prj_test",
      functionId: "fn_1",
      functionName: "tested",
      deploymentId: "dep_1",
      revision: 1,
      manifest,
      env: {},
      secrets: {},
      startTimeoutMs: 20_000,
      onLog: (line) => logs.push(line),
      ...spec,
    },
    signal,
  );
}

/** An invocation that ended without a whole response. */
export class CallFailed extends Error {
  readonly failure: InvocationFailure;

  constructor(failure: InvocationFailure) {
    super(`The call failed: ${JSON.stringify(failure)}`);
    this.failure = failure;
  }
}

/** Invokes the function with a JSON body and gives its JSON answer; rejects with CallFailed. */
export function callJson(
  instance: Instance,
  input: unknown,
  signal?: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const stream = instance.serve(
      {
        invocationId: "inv_1",
        requestId: "req-1",
        method: "POST",
        url: "http://function.example/",
        deadlineMs: 0,
        caller: "",
        headers: ["content-type", "application/json"],
      },
      Buffer.from(JSON.stringify(input)),
      true,
      {
        head() {},
        data(chunk) {
          chunks.push(Buffer.from(chunk));
          stream.consumed(chunk.length);
        },
        end: () => resolve(JSON.parse(Buffer.concat(chunks).toString())),
        failed: (failure) => reject(new CallFailed(failure)),
        drained() {},
      },
    );
    signal?.addEventListener("abort", () => stream.cancel("aborted by the test"), { once: true });
  });
}
