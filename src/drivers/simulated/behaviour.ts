import type { Clock } from "../../base/clock.ts";
import type { LogLevel } from "../../base/log.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { LogLine } from "../../domain/invocation.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { StartSpec } from "../driver.ts";

/** Writes a log line; `source` is `log` when absent. */
export type SimulatedLog = (level: LogLevel, message: string, source?: LogLine["source"]) => void;

/** What a behaviour answers with; headers are a flat list. */
export interface SimulatedResponse {
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** One request as a behaviour sees it. */
export interface SimulatedRequest {
  readonly head: RequestHead;
  readonly url: URL;
  readonly signal: AbortSignal;
  /** The body's chunks as they come; reading them gives the sender room. */
  readonly body: AsyncIterable<Buffer>;
  readonly log: SimulatedLog;
}

/** The process that a module runs in. */
export interface SimulatedGuest {
  readonly clock: Clock;
  readonly spec: StartSpec;
  /** `process.env` as the module sees it. */
  readonly env: Readonly<Record<string, string>>;
  /** Throws for a key that is not there. */
  readonly secret: (key: string) => string | undefined;
  /** Facts of the context, as JSON. */
  readonly context: (request: SimulatedRequest) => Readonly<Record<string, unknown>>;
  /** Log lines that belong to no request. */
  readonly log: SimulatedLog;
  /** Whether anything holds its processes, its files in memory and its processor time. */
  readonly holdsLimits: boolean;
  /** Ends the instance; never resolves. */
  readonly end: (exit: InstanceExit) => Promise<never>;
  /** Blocks the event loop for good; never resolves. */
  readonly spin: () => Promise<never>;
}

/** A loaded module: `fetch` answers, throws, or returns what a handler may not return. */
export interface SimulatedModule {
  readonly shape: string;
  fetch(request: SimulatedRequest): unknown;
}

/** Loads a module; throwing is a failed import, never settling a top-level await without end. */
export type SimulatedBehaviour = (
  guest: SimulatedGuest,
) => SimulatedModule | Promise<SimulatedModule>;

/** Whether a handler's return value can be sent. */
export function isSimulatedResponse(value: unknown): value is SimulatedResponse {
  return typeof value === "object" && value !== null;
}

/** The whole body in one buffer. */
export async function readAll(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
