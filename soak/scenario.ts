/** Says what goes on, for a person who waits. */
export type Report = (line: string) => void;

/** What every scenario receives. */
export interface ScenarioOptions<Bounds> {
  readonly seed: number;
  readonly bounds: Bounds;
  readonly log: Report;
}

/** What a scenario found. Only violations decide; counts and measured figures are shown. */
export interface ScenarioResult {
  readonly counts: Readonly<Record<string, number>>;
  readonly measured?: Readonly<Record<string, unknown>>;
  /** Each a sentence: what was expected, what came instead. */
  readonly violations: readonly string[];
  /** Why the scenario, or a part of it, could not run on this machine. */
  readonly skipped?: readonly string[];
}
