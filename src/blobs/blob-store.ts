/** One blob while it is read. */
export interface BlobReading {
  readonly bytes: number;
  /** The bytes in pieces; ends with `bundle_invalid` when their digest is another. Read it to its end or `return()` it. */
  readonly pieces: AsyncGenerator<Uint8Array>;
}

/** A blob as `list` shows it. */
export interface StoredBlob {
  readonly digest: string;
  readonly bytes: number;
  /** When it was last put. Rises with every put, also when the clock stands still or goes back. */
  readonly storedAtMs: number;
}

/** Immutable bytes addressed by their SHA-256. Failures are ReactorError `storage_unavailable` or `storage_full`. */
export interface BlobStore {
  /** Stores the bytes and returns their digest (64 hex digits); durable when it resolves; idempotent. */
  put(bytes: Uint8Array): Promise<string>;
  /** Reads and checks the digest; ReactorError `bundle_invalid` when the stored bytes are corrupt, undefined when absent. */
  get(digest: string): Promise<Uint8Array | undefined>;
  /** The same in pieces, whatever the size; undefined when absent. */
  read(digest: string): Promise<BlobReading | undefined>;
  has(digest: string): Promise<boolean>;
  /**
   * Removes the blob if it is there and, when `unlessPutSinceMs` is given, only if its `storedAtMs`
   * is still that. Never between the check and the end of a put of the same blob: a put that
   * resolves later has stored it. Resolves with whether it removed it.
   */
  delete(digest: string, options?: { readonly unlessPutSinceMs?: number }): Promise<boolean>;
  /** All blobs, for collection. */
  list(): AsyncIterable<StoredBlob>;
}
