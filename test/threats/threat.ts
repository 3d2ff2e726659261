/** A defence that is taken out of the product, and the test that must fail then. */
export interface Removal {
  /** What is gone, in words. */
  readonly removed: string;
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
  /** `path › name` as in SPECIFICATION.md; placeholders of a table's name stand for anything. */
  readonly test: string;
  /** The file that has the name, when it is not the one that is run: a suite's cases have their own. */
  readonly namedIn?: string;
}

/** A row of the list of threats. */
export interface Threat {
  /** `T1`–`T27`, or `R1`… for what was found in review. */
  readonly id: string;
  readonly threat: string;
  /** What must hold, and how it is held. */
  readonly defence: string;
  readonly removals: readonly Removal[];
  /** Further tests that show it. */
  readonly alsoShownBy?: readonly string[];
  /** What of the row is not shown yet, and why. */
  readonly notYet?: string;
}
