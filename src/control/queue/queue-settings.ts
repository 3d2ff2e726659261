/** Bounds of the queue. */
export interface QueueSettings {
  /** Bytes of the largest request body that is queued. */
  readonly payloadBytesMax: number;
  /** Invocations of one function that may be queued or running. */
  readonly countMax: number;
  /** Bytes of their requests. */
  readonly bytesMax: number;
  /** Queued invocations of all functions that run at once. */
  readonly runningMax: number;
  /** Bytes of a result's body that are kept. */
  readonly resultBytesMax: number;
  /** How long succeeded and failed ones are kept, and dead ones. */
  readonly finishedMsMax: number;
  readonly deadMsMax: number;
  /** Finished ones of one function that are kept. */
  readonly finishedMax: number;
  /** How long those that run at a stop may take to end. */
  readonly stopGraceMs: number;
}

export const defaultQueueSettings: QueueSettings = {
  payloadBytesMax: 5_242_880,
  countMax: 10_000,
  bytesMax: 268_435_456,
  runningMax: 256,
  resultBytesMax: 65_536,
  finishedMsMax: 86_400_000,
  deadMsMax: 14 * 86_400_000,
  finishedMax: 10_000,
  stopGraceMs: 10_000,
};
