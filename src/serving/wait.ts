/** How an invocation waited; one that found a free slot has none. */
export interface Wait {
  readonly sinceMs: number;
  /** It waits for an instance that is starting, not for a slot. */
  forStart: boolean;
  /** When its wait is over its bound, monotonic. */
  untilMs: number;
  /** Set when it ran: milliseconds it waited. */
  waitedMs: number;
  /** Set when it ran: on the instance whose start it waited for. */
  cold: boolean;
}
