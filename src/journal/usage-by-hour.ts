import type { InvocationRecord } from "../domain/invocation.ts";
import { gbSecondsOf, noUsage, type UsageSums, vcpuMsOf } from "../domain/usage.ts";

export const hourMs = 3_600_000;

type Growing = { -readonly [K in keyof UsageSums]: UsageSums[K] };

/** What a function used in one hour. */
export interface HourOfUsage {
  readonly functionId: string;
  /** When the hour begins, in epoch milliseconds; invocations count in the one that they came in. */
  readonly fromMs: number;
  readonly sums: UsageSums;
}

/** Sums of invocation records by function and hour. */
export class UsageByHour {
  readonly #functions = new Map<string, Map<number, Growing>>();
  /** The sums that were added to last, since the next record mostly belongs there too. */
  #functionId: string | undefined;
  #fromMs = Number.NaN;
  #sums: Growing | undefined;

  /** Runs once per invocation. A record that says no run time counts for nothing. */
  add(record: InvocationRecord): void {
    const { functionId, startedAtMs, runMs, allotment } = record;
    if (runMs === undefined) return;
    let sums = this.#sums;
    const intoMs = startedAtMs - this.#fromMs;
    if (
      sums === undefined ||
      !(intoMs >= 0 && intoMs < hourMs) ||
      this.#functionId !== functionId
    ) {
      const fromMs = Math.floor(startedAtMs / hourMs) * hourMs;
      sums = this.#at(functionId, fromMs);
      this.#functionId = functionId;
      this.#fromMs = fromMs;
      this.#sums = sums;
    }
    sums.invocations += 1;
    if (record.cold) sums.coldStarts += 1;
    sums.runMs += runMs;
    sums.vcpuMs += vcpuMsOf(runMs, allotment);
    sums.gbSeconds += gbSecondsOf(runMs, allotment);
    sums.bytesIn += record.bytesIn;
    sums.bytesOut += record.bytesOut;
  }

  addAll(hours: Iterable<HourOfUsage>): void {
    for (const { functionId, fromMs, sums } of hours) {
      const into = this.#at(functionId, fromMs);
      into.invocations += sums.invocations;
      into.coldStarts += sums.coldStarts;
      into.runMs += sums.runMs;
      into.vcpuMs += sums.vcpuMs;
      into.gbSeconds += sums.gbSeconds;
      into.bytesIn += sums.bytesIn;
      into.bytesOut += sums.bytesOut;
    }
  }

  *[Symbol.iterator](): Generator<HourOfUsage> {
    for (const functionId of this.#functions.keys()) yield* this.of(functionId);
  }

  /** The hours of one function. */
  *of(functionId: string): Generator<HourOfUsage> {
    for (const [fromMs, sums] of this.#functions.get(functionId) ?? []) {
      yield { functionId, fromMs, sums };
    }
  }

  #at(functionId: string, fromMs: number): Growing {
    let hours = this.#functions.get(functionId);
    if (hours === undefined) this.#functions.set(functionId, (hours = new Map()));
    let sums = hours.get(fromMs);
    if (sums === undefined) {
      sums = { ...noUsage };
      hours.set(fromMs, sums);
    }
    return sums;
  }
}
