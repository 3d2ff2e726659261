import type { Clock } from "../../base/clock.ts";
import type { ByteSink } from "../../wire/frame-writer.ts";
import type { LogTransport } from "./log-output.ts";
import type { GuestPlatform } from "./platform.ts";

/** The transport's writing side; `onceEmpty` calls back at once when nothing is queued. */
export interface GuestSink extends ByteSink, LogTransport {}

export interface GuestOptions {
  readonly platform: GuestPlatform;
  readonly clock: Clock;
  readonly sink: GuestSink;
  /** Runs the callback at the end of the current turn of the event loop. */
  readonly endOfTurn: (flush: () => void) => void;
  /** It is the one that only makes another's first request quicker: it leaves the globals alone. */
  readonly isRehearsal?: true;
}
