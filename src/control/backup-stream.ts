/** A backup while it is sent. */
export interface BackupStream {
  readonly id: string;
  /** Bytes of the whole archive. */
  readonly bytes: number;
  /** The archive. Throws when the backup cannot be finished: what was sent is then no backup. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Gives everything free that the backup holds; `chunks` ends by then. A second call does nothing. */
  close(): Promise<void>;
}
