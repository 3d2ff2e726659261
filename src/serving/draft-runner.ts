import type { ReactorError } from "../domain/errors.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { Allotment } from "../domain/usage.ts";
import type { Manifest } from "../domain/manifest.ts";
import type { BundleFiles } from "../drivers/driver.ts";

/** The one request that a draft gets. */
export interface DraftCall {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  readonly body: Uint8Array | undefined;
}

/** Code that is no deployment, and what it runs with. */
export interface Draft {
  /** Stands for the ids that a deployed function and its deployment would have. */
  readonly id: string;
  /** Drafts of one such id may share a process where their isolation says so; no function has it. */
  readonly projectId: string;
  readonly requestId: string;
  /** Its entry point resolved, its limits as they are to hold. */
  readonly manifest: Manifest;
  readonly files: BundleFiles;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly call: DraftCall;
}

/** What became of a draft. What its code did wrong is in `failure`, not thrown. */
export interface DraftOutcome {
  /** Undefined when it gave no answer. */
  readonly status: number | undefined;
  /** Flat list. */
  readonly headers: readonly string[];
  /** What came of the body, all of it unless there is a failure. */
  readonly body: Buffer;
  /** Undefined when it never became ready. */
  readonly shape: string | undefined;
  readonly prepareMs: number;
  readonly startMs: number;
  /** From handing the request over until the answer is complete. */
  readonly durationMs: number;
  /** What it used of its instance. */
  readonly usage: { readonly runMs: number; readonly allotment: Allotment | undefined };
  readonly logs: readonly LogLine[];
  /** Lines beyond the bound. */
  readonly logsDropped: number;
  readonly failure:
    | { readonly error: ReactorError; readonly stack: string | undefined }
    | undefined;
}

/** Runs code once in the sandbox that a deployed function would have, and leaves nothing of it. */
export interface DraftRunner {
  /**
   * Prepares the draft, starts one instance, runs one invocation and stops it. Throws
   * `unsupported_runtime` when this machine cannot give what the manifest asks for, and the signal's
   * reason; the instance is gone in every case.
   */
  run(draft: Draft, signal: AbortSignal): Promise<DraftOutcome>;
}
