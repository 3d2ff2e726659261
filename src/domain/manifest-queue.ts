import type { EventType } from "./event.ts";
import type { Schedule } from "./schedule.ts";

/** What a manifest says about invocations that are queued; every default is filled in. */
export interface ManifestQueue {
  /** Every request is queued, not only those that ask for it. */
  readonly always: boolean;
  /** How often one invocation may fail before it is dead. */
  readonly attemptsMax: number;
  /** The wait before the first retry, doubled with each, and its ceiling. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  /** How long after it was due an invocation may still begin. */
  readonly ageMsMax: number;
  /** Queued invocations of the function that run at once; undefined: half of `max_concurrency`. */
  readonly concurrency: number | undefined;
  /** Functions of the same project that are told how an invocation ended. */
  readonly onSuccess: string | undefined;
  readonly onFailure: string | undefined;
  /** When it is queued by itself. */
  readonly schedules: readonly Schedule[];
  /** Events of its project that it hears. */
  readonly events: readonly EventType[];
}

/** What holds where the manifest is silent. */
export const defaultManifestQueue: ManifestQueue = {
  always: false,
  attemptsMax: 5,
  backoffMsMin: 1000,
  backoffMsMax: 300_000,
  ageMsMax: 86_400_000,
  concurrency: undefined,
  onSuccess: undefined,
  onFailure: undefined,
  schedules: [],
  events: [],
};
