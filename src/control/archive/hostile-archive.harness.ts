import type { Upload } from "../control-plane.ts";

/** An upload that must be refused, with how. */
export interface HostileArchive {
  /** For the test's name: `zip with a link`. */
  readonly what: string;
  readonly upload: () => Upload;
  readonly code: "bundle_invalid" | "bundle_too_large";
  /** Part of the message: the entry or the bound. */
  readonly word: string;
}
