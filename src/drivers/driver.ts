import type { EgressDenial } from "../domain/egress-decision.ts";
import type { FunctionSchemas } from "../domain/function-schemas.ts";
import type { InstanceExit, Tier } from "../domain/instance.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { Allotment } from "../domain/usage.ts";
import type { RequestHead } from "../wire/heads.ts";

/** How well this driver, on this machine, holds a limit. `watchdog`: a typed kill within 100 ms. */
export type Enforcement = "hard" | "watchdog" | "none";

export interface DriverEnforcement {
  readonly memory: Enforcement;
  /** `hard`: a quota can be held. */
  readonly cpu: Enforcement;
  /** Processes and threads of an instance. */
  readonly processes: Enforcement;
  readonly wallClock: Enforcement;
  readonly filesystem: Enforcement;
  readonly network: Enforcement;
}

/** Whether the driver can work here, and what would make it (or make it safer). */
export interface DriverProbe {
  readonly available: boolean;
  /** Version of the runtime, e.g. `1.4.5`. */
  readonly version: string | undefined;
  readonly tier: Tier;
  readonly enforces: DriverEnforcement;
  /** What was found, one sentence each, e.g. `bubblewrap 0.8.0 at /usr/bin/bwrap`. */
  readonly findings: readonly string[];
  /** What to do for more, one sentence each; empty when nothing is missing. */
  readonly remedies: readonly string[];
}

/** A deployment's code prepared for a driver: for JavaScript one ES module with its imports bundled in. */
export interface Artifact {
  readonly deploymentId: string;
  /** Path of the entry module below the bundle's root, for messages and stack traces. */
  readonly entrypoint: string;
  readonly code: Uint8Array;
  /** Parts of its runtime that the code may reach, by the driver's own names; absent means all. */
  readonly reaches?: readonly string[] | undefined;
}

/** Source files by path below the bundle's root. */
export type BundleFiles = ReadonlyMap<string, Uint8Array>;

export interface PrepareRequest {
  readonly deploymentId: string;
  readonly manifest: Manifest;
  readonly files: BundleFiles;
}

export interface StartSpec {
  /** Id of the project; functions of one project may share a process where their isolation says so. */
  readonly projectId: string;
  readonly functionId: string;
  readonly functionName: string;
  readonly deploymentId: string;
  readonly revision: number;
  readonly manifest: Manifest;
  /** Handler shape that the deployment recorded; absent when the start is to find it. */
  readonly shape?: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Masked in every log line and failure message that leaves the driver. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Longest time from start to ready. */
  readonly startTimeoutMs: number;
  /** Hears every log line, already attributed and bounded. Must not throw. */
  readonly onLog: (line: LogLine) => void;
  /** Hears of each connection that a rule of egress denied; such a line is in the log too. Must not throw. */
  readonly onEgressDenied?: ((denial: EgressDenial) => void) | undefined;
}

/** Why an invocation ended without a whole response. */
export type InvocationFailure =
  /** The handler threw or returned something unusable, before the head. */
  | { readonly kind: "threw"; readonly message: string; readonly stack: string | undefined }
  /** The response's body failed after its head was sent. */
  | { readonly kind: "body_failed"; readonly message: string }
  /** The guest confirmed a cancel. */
  | { readonly kind: "cancelled" }
  /** The instance is gone. */
  | { readonly kind: "exited"; readonly exit: InstanceExit };

/**
 * Hears the response. Exactly one of `end` and `failed` comes last. Chunks are only valid during the
 * call; the first one also until the microtasks queued during the call have run, so that an answer
 * that comes whole is passed on without a copy.
 */
export interface InvocationSink {
  /** Header names and values in one flat list, not yet checked for CR, LF and the like. */
  head(status: number, headers: readonly string[]): void;
  data(chunk: Buffer): void;
  end(): void;
  failed(failure: InvocationFailure): void;
  /** The request body written so far was taken; write more. */
  drained(): void;
}

/** The request's side of a running invocation. */
export interface InvocationStream {
  /** Sends body bytes; false means wait for `drained`. The chunk may be reused after the call. */
  write(chunk: Uint8Array): boolean;
  /** The request body is complete. */
  end(): void;
  /** Aborts `request.signal`; the sink hears `failed` once the guest confirms. May be called twice. */
  cancel(reason: string): void;
  /** The sink is done with `bytes` of response body; the guest may send as many more. */
  consumed(bytes: number): void;
}

export interface Instance {
  readonly id: string;
  /** Settles once with the typed reason; never rejects. */
  readonly exit: Promise<InstanceExit>;
  readonly tier: Tier;
  /** Handler shape that the guest found in the module. */
  readonly shape: string;
  /** What the module's function takes and returns, where the guest found it. Untrusted. */
  readonly schemas?: FunctionSchemas | undefined;
  /** What it was given for its function: in a microVM what its machine has. */
  readonly allotment: Allotment;
  /** Whether it was booted before it was asked for. */
  readonly fromBlank: boolean;
  /** Process ids on the host, for usage and tests; empty when there is none. */
  readonly pids: readonly number[];
  /**
   * Runs one invocation. `body` holds the bytes that are known already; `complete` says they are
   * all. The sink may be called before `serve` returns.
   */
  serve(
    head: RequestHead,
    body: Uint8Array | undefined,
    complete: boolean,
    sink: InvocationSink,
  ): InvocationStream;
  /** Resolves true when the guest's event loop answers within `withinMs`, false when it is stuck. */
  responds(withinMs: number): Promise<boolean>;
  /**
   * Stops the instance and resolves with how it ended: running requests may finish within
   * `graceMs`, then it is killed. `exit` names the typed reason when it is not `stopped`. A second
   * call returns the same exit. Afterwards no process, descriptor or file of it is left.
   */
  stop(options: { readonly graceMs: number; readonly exit?: InstanceExit }): Promise<InstanceExit>;
}

/** Raised by `start`: the instance never became ready. */
export class StartError extends Error {
  readonly exit: InstanceExit;
  /** The last lines it wrote, at most 16 KiB. */
  readonly log: string;

  constructor(exit: InstanceExit, log: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StartError";
    this.exit = exit;
    this.log = log;
  }
}

/** Instances written down once they have loaded their code, from which others begin. */
export interface DriverSnapshots {
  /**
   * Loads the artifact once more and writes that down, for starts whose manifest asks for it and that
   * give neither env nor secrets; others begin with the import, and say so in the log. Idempotent.
   * Rejects with ReactorError `cold_start_failed` that says what stands in the way.
   */
  make(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<void>;
  /** Removes those of the deployments for which it is false. Instances made of them go on. */
  keep(isKept: (deploymentId: string) => boolean): Promise<void>;
}

/** Runs one kind of runtime. Lifecycle: probe, prepare, start, (serve), discard, close. */
export interface Driver {
  /** Unique among the drivers of a server, e.g. `bun` or `deno-worker`. */
  readonly name: string;
  /** Absent: every start begins with the import. */
  readonly snapshots?: DriverSnapshots;
  probe(signal: AbortSignal): Promise<DriverProbe>;
  /** Fills the pool of blank instances in the background. */
  warm(): void;
  /** Checks and bundles; idempotent. Throws ReactorError `bundle_invalid` with the build log. */
  prepare(request: PrepareRequest, signal: AbortSignal): Promise<Artifact>;
  /** Resolves when it can serve; rejects with StartError, or the signal's reason. Leaves nothing behind. */
  start(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<Instance>;
  /** Stops every instance and blank; afterwards nothing of the driver is left. */
  close(): Promise<void>;
}
