/** Every bound of the journal. Sizes are in bytes of the files, or of UTF-16 text while buffered. */
export interface JournalLimits {
  /** How long a line may wait in memory before it is written. */
  readonly flushMs: number;
  /** Encoded text per write; pending text beyond it is flushed at once. */
  readonly flushBytes: number;
  /** Pending invocation records beyond which a flush starts at once. */
  readonly flushInvocations: number;
  /** Log lines that may wait in memory; more are dropped and counted. */
  readonly bufferLinesMax: number;
  readonly bufferBytesMax: number;
  /** Invocation records that may wait in memory; more are dropped and counted. */
  readonly bufferInvocationsMax: number;
  /** Longer messages are cut, and say so. */
  readonly messageCharsMax: number;
  /** What one function may log per second, after a burst. */
  readonly functionBytesPerSecMax: number;
  readonly functionBurstBytesMax: number;
  /** A segment is closed when it is larger or older. */
  readonly segmentBytesMax: number;
  readonly segmentAgeMsMax: number;
  /** The oldest segments are removed when all of a kind are larger, or when they are older. */
  readonly logBytesMax: number;
  readonly invocationBytesMax: number;
  readonly ageMsMax: number;
  /** Sums of usage are by the hour for so long, then by the day, until they are removed. */
  readonly usageHoursMsMax: number;
  readonly usageAgeMsMax: number;
  /** A query stops after reading so much and returns what it found. */
  readonly queryBytesMax: number;
  readonly queryLinesMax: number;
  readonly followersMax: number;
  /** New lines kept in memory per follower; beyond, it reads on from the files. */
  readonly followerLinesMax: number;
  readonly followerBytesMax: number;
}

const kib = 1024;
const mib = 1024 * kib;
const hourMs = 3_600_000;

export const defaultJournalLimits: JournalLimits = {
  flushMs: 50,
  flushBytes: 512 * kib,
  flushInvocations: 2_048,
  bufferLinesMax: 50_000,
  bufferBytesMax: 16 * mib,
  bufferInvocationsMax: 50_000,
  messageCharsMax: 64 * kib,
  functionBytesPerSecMax: mib,
  functionBurstBytesMax: 4 * mib,
  segmentBytesMax: 8 * mib,
  segmentAgeMsMax: hourMs,
  logBytesMax: 512 * mib,
  invocationBytesMax: 512 * mib,
  ageMsMax: 7 * 24 * hourMs,
  usageHoursMsMax: 8 * 24 * hourMs,
  usageAgeMsMax: 400 * 24 * hourMs,
  queryBytesMax: 256 * mib,
  queryLinesMax: 10_000,
  followersMax: 1_000,
  followerLinesMax: 2_000,
  followerBytesMax: mib,
};
