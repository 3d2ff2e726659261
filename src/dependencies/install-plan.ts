import type { InstalledTree } from "./tree-cache.ts";

/** What there is to install for a function, before anything is fetched. */
export interface InstallPlan {
  /** The file that says what: `package-lock.json`. */
  readonly file: string;
  /** All that the outcome depends on. */
  readonly madeFrom: readonly (string | Uint8Array)[];
  /** Fetches, checks and unpacks it. */
  readonly make: (signal: AbortSignal) => Promise<InstalledTree>;
  /** Whether a file of the upload was only there to be installed. */
  spends(path: string): boolean;
}
