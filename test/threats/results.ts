/** What came of taking out one defence. */
export interface RemovalResult {
  readonly removed: string;
  readonly test: string;
  /** `failed`: the test noticed. `survived`: it did not. `not run`: it does not pass, or is skipped, as things are. */
  readonly outcome: "failed" | "survived" | "not run";
  /** The first error that the test told. */
  readonly error?: string;
}

/** The results of one row. */
export interface RowResult {
  readonly hash: string;
  readonly ranAt: string;
  readonly removals: readonly RemovalResult[];
}

export type Results = Readonly<Record<string, RowResult>>;
