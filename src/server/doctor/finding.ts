/** `missing`: absent or broken; `warn`: works, but less well or less safely than it could. */
export type FindingState = "ok" | "warn" | "missing";

/** One line of `reactor doctor`. */
export interface Finding {
  readonly name: string;
  readonly state: FindingState;
  /** What was found. */
  readonly found: string;
  /** What that means for Reactor. */
  readonly means: string;
  /** What to do; absent when nothing is to be done. */
  readonly remedy?: string;
  /** Without it the server cannot do its main job; decides the exit code. */
  readonly essential?: true;
}
