import type { WireStream } from "./stream.ts";

const bucketCount = 64;

/**
 * The open streams of a connection by id. Not a Map: under the churn of a stream per request a Map
 * is rebuilt again and again, each old table keeps what it held alive until the next full
 * collection, and collecting garbage then takes a third of the processor. Here a stream that is
 * removed is reachable from nothing.
 */
export class StreamTable {
  readonly #buckets: (WireStream | undefined)[] = Array.from({ length: bucketCount });
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): WireStream | undefined {
    let stream = this.#buckets[bucketOf(id)];
    while (stream !== undefined && stream.id !== id) stream = stream.nextInBucket;
    return stream;
  }

  /** Adds a stream whose id is not in the table. */
  add(stream: WireStream): void {
    const bucket = bucketOf(stream.id);
    stream.nextInBucket = this.#buckets[bucket];
    this.#buckets[bucket] = stream;
    this.#size += 1;
  }

  /** Removes the stream of this id; false when there is none. */
  remove(id: number): boolean {
    const bucket = bucketOf(id);
    let before: WireStream | undefined;
    let stream = this.#buckets[bucket];
    while (stream !== undefined && stream.id !== id) {
      before = stream;
      stream = stream.nextInBucket;
    }
    if (stream === undefined) return false;
    if (before === undefined) this.#buckets[bucket] = stream.nextInBucket;
    else before.nextInBucket = stream.nextInBucket;
    stream.nextInBucket = undefined;
    this.#size -= 1;
    return true;
  }

  /** Empties the table and returns what was in it. */
  takeAll(): readonly WireStream[] {
    const streams: WireStream[] = [];
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      let stream = this.#buckets[bucket];
      this.#buckets[bucket] = undefined;
      while (stream !== undefined) {
        const next: WireStream | undefined = stream.nextInBucket;
        stream.nextInBucket = undefined;
        streams.push(stream);
        stream = next;
      }
    }
    this.#size = 0;
    return streams.sort((a, b) => a.id - b.id);
  }
}

/** Ids of one side step by two, so the lowest bit would leave half of the buckets empty. */
function bucketOf(id: number): number {
  return ((id >>> 1) ^ (id & 1)) % bucketCount;
}
