/** Immutable bytes addressed by their SHA-256. Failures are ReactorError `storage_unavailable` or `storage_full`. */
export interface BlobStore {
  /** Stores the bytes and returns their digest (64 hex digits); durable when it resolves; idempotent. */
  put(bytes: Uint8Array): Promise<string>;
  /** Reads and checks the digest; ReactorError `bundle_invalid` when the stored bytes are corrupt, undefined when absent. */
  get(digest: string): Promise<Uint8Array | undefined>;
  has(digest: string): Promise<boolean>;
  /** Removes the blob if it is there. */
  delete(digest: string): Promise<void>;
  /** Digests of all blobs with their age, for collection. */
  list(): AsyncIterable<{ readonly digest: string; readonly storedAtMs: number }>;
}
