import { afterAll, describe, test } from "bun:test";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Runtime } from "../domain/manifest.ts";
import type { Artifact, Driver } from "./driver.ts";
import type { DriverHarness } from "./suite/driver-harness.ts";
import { driverCases } from "./suite/driver-cases.ts";
import { runCase } from "./suite/run-case.ts";
import { SharedInstances } from "./suite/shared-instances.ts";

export interface DriverSuiteOptions {
  /** Makes a fresh driver for each case; `close` closes it and removes its folders. */
  readonly create: () => Promise<DriverHarness>;
  /** Runtime that the manifests name. Default `bun`. */
  readonly runtime?: Runtime;
  /** Builds an artifact from JavaScript source. Default: `driver.prepare` with one file, `index.js`. */
  readonly artifact?: (source: string, driver: Driver) => Promise<Artifact>;
  /** Shape that the driver records of the scenarios that export an object with `fetch`. Default `fetch`. */
  readonly shape?: string;
  /**
   * By how many MiB the runtime's collector may be late while a body streams, on top of the 8 that the
   * contract allows; a driver that kept the stream would need 64. Default 0.
   */
  readonly collectorNoiseMb?: number;
  /** Memory in MB of the smallest instance that there is to a case. Default 80. */
  readonly memoryMbMin?: number;
  /**
   * Streams of 4 MiB that warm buffers and heaps before one of 64 MiB. Default 32; fewer where each
   * takes long.
   */
  readonly warmStreams?: number;
  /** Requests that one instance gets after each other. Default 2000; fewer where each takes long. */
  readonly manyRequests?: number;
  /** Instances that are started at once. Default 16; fewer where each takes long. */
  readonly manyStarts?: number;
  /**
   * Lines of a log flood, each of 420 bytes or more. Default 200,000, more than twice of what the
   * default log budget lets pass; fewer where the driver's budget is smaller.
   */
  readonly floodLines?: number;
  /** Of those, what the log budget lets pass in a second once its burst is used up. Default 20,000. */
  readonly floodLinesPerSec?: number;
  readonly clock?: Clock;
  /** How long each wait of a case may take. Default 30 s. */
  readonly deadlineMs?: number;
  /** Cases that this driver cannot pass here, by name, each with its reason; shown as todo. */
  readonly gaps?: Readonly<Record<string, string>>;
}

/**
 * Registers the conformance suite: this call is the whole test file of a driver. A gap that names
 * no case is an error, so the list cannot go stale.
 */
export function driverSuite(name: string, options: DriverSuiteOptions): void {
  const gaps = options.gaps ?? {};
  const deadlineMs = options.deadlineMs ?? 30_000;
  const names = new Set(driverCases.map((each) => each.name));
  for (const gap of Object.keys(gaps)) {
    if (!names.has(gap)) throw new Error(`Gap of driver ${name} names no case: "${gap}"`);
  }
  const shared = new SharedInstances(options.create);
  describe(`${name} driver`, () => {
    afterAll(() => shared.close());
    for (const driverCase of driverCases) {
      const reason = gaps[driverCase.name];
      if (reason !== undefined) {
        test.todo(`${driverCase.name} (known gap: ${reason})`);
        continue;
      }
      const run = (): Promise<void> =>
        runCase(driverCase, {
          create: options.create,
          shared,
          clock: options.clock ?? systemClock,
          deadlineMs,
          runtime: options.runtime ?? "bun",
          artifact: options.artifact,
          shape: options.shape ?? "fetch",
          collectorNoiseMb: options.collectorNoiseMb ?? 0,
          memoryMbMin: options.memoryMbMin,
          warmStreams: options.warmStreams,
          manyRequests: options.manyRequests,
          manyStarts: options.manyStarts,
          floodLines: options.floodLines,
          floodLinesPerSec: options.floodLinesPerSec,
        });
      test(driverCase.name, run, deadlineMs * 4);
    }
  });
}
