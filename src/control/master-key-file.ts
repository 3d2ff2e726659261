import type { MasterKey } from "./secret-box.ts";

/** The file of the master key, as a rotation changes it. A stop at any moment leaves a key that is in use under one of its names. */
export interface MasterKeyFile {
  /** The key of a rotation that was interrupted. */
  readonly pending: MasterKey | undefined;
  /** Makes a fresh key, durable beside the current one; takes up a pending one. */
  prepare(): Promise<MasterKey>;
  /** Puts the prepared key in the current one's place, which is kept under another name; resolves with that name. */
  commit(): Promise<string>;
}
