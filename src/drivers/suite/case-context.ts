import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import type { LogLine } from "../../domain/invocation.ts";
import type { Runtime } from "../../domain/manifest.ts";
import type { RequestHead } from "../../wire/heads.ts";
import {
  type Artifact,
  type Driver,
  type Instance,
  StartError,
  type StartSpec,
} from "../driver.ts";
import type { DriverHarness } from "./driver-harness.ts";
import { Recording } from "./recording.ts";
import type { Scenario } from "./scenario.ts";
import type { SharedInstances } from "./shared-instances.ts";
import { suiteManifest } from "./suite-manifest.ts";

export interface ContextOptions {
  readonly harness: DriverHarness;
  /** Instances to go on with, where the case shares them. */
  readonly shared?: SharedInstances | undefined;
  readonly clock: Clock;
  /** How long anything may take before the case fails. */
  readonly deadlineMs: number;
  readonly runtime: Runtime;
  /** Shape that the driver records of the scenarios that export an object with `fetch`. */
  readonly shape?: string | undefined;
  /** MiB by which the runtime's collector may be late while a body streams. Default 0. */
  readonly collectorNoiseMb?: number | undefined;
  /** Memory in MB of the smallest instance that there is to a case. Default 80. */
  readonly memoryMbMin?: number | undefined;
  /** Streams of 4 MiB that go before one of 64 MiB. Default 32. */
  readonly warmStreams?: number | undefined;
  /** Requests one after another, and starts at once, where a case is about many. Default 2000 and 16. */
  readonly manyRequests?: number | undefined;
  readonly manyStarts?: number | undefined;
  /** Lines of a log flood. Default 200,000. */
  readonly floodLines?: number | undefined;
  /** Lines of it that the log budget lets pass in a second, once its burst is used up. Default 20,000. */
  readonly floodLinesPerSec?: number | undefined;
  /** Builds a scenario's artifact. Default: `driver.prepare` with one file, `index.js`. */
  readonly artifact?: ((source: string, driver: Driver) => Promise<Artifact>) | undefined;
}

export interface SuiteRequest {
  readonly method?: string;
  /** Path and query. */
  readonly path?: string;
  readonly headers?: readonly string[];
  /** Bytes that come with the head. */
  readonly body?: Uint8Array | string;
  /** False leaves the request body open for `stream.write`. Default true. */
  readonly complete?: boolean;
  readonly keep?: boolean;
  readonly consume?: boolean;
}

export type SpecOverrides = Partial<StartSpec> & {
  readonly memoryMb?: number;
  readonly vcpu?: number;
};

/** What a case works with: start, call, wait. Every wait is bounded by the deadline. */
export class CaseContext {
  readonly harness: DriverHarness;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly shape: string;
  readonly collectorNoiseMb: number;
  readonly memoryMbMin: number;
  readonly warmStreams: number;
  readonly manyRequests: number;
  readonly manyStarts: number;
  readonly floodLines: number;
  readonly floodLinesPerSec: number;
  readonly logs: LogLine[] = [];
  readonly #options: ContextOptions;
  readonly #logWaiting = new Set<() => void>();
  #calls = 0;

  constructor(options: ContextOptions) {
    this.#options = options;
    this.harness = options.harness;
    this.driver = options.harness.driver;
    this.clock = options.clock;
    this.shape = options.shape ?? "fetch";
    this.collectorNoiseMb = options.collectorNoiseMb ?? 0;
    this.memoryMbMin = options.memoryMbMin ?? 80;
    this.warmStreams = options.warmStreams ?? 32;
    this.manyRequests = options.manyRequests ?? 2000;
    this.manyStarts = options.manyStarts ?? 16;
    this.floodLines = options.floodLines ?? 200_000;
    this.floodLinesPerSec = options.floodLinesPerSec ?? 20_000;
  }

  /** Builds the scenario without starting it. */
  artifact(scenario: Scenario): Promise<Artifact> {
    const build = this.#options.artifact ?? this.#prepared;
    return this.within(build(scenario.source, this.driver), `prepare ${scenario.name}`);
  }

  /** The scenario's text as an artifact, past every check of `prepare`. */
  unchecked(scenario: Scenario): Artifact {
    const code = new TextEncoder().encode(scenario.source);
    return { deploymentId: "dep_suite", entrypoint: "index.js", code };
  }

  readonly #prepared = (source: string, driver: Driver): Promise<Artifact> =>
    driver.prepare(
      {
        deploymentId: "dep_suite",
        manifest: suiteManifest({ runtime: this.#options.runtime }),
        files: new Map([["index.js", new TextEncoder().encode(source)]]),
      },
      new AbortController().signal,
    );

  spec(overrides: SpecOverrides = {}): StartSpec {
    const { memoryMb, vcpu, ...rest } = overrides;
    return {
      projectId: "prj_test",
      functionId: "fn_suite",
      functionName: "suite",
      deploymentId: "dep_suite",
      revision: 7,
      manifest: suiteManifest({
        runtime: this.#options.runtime,
        ...(memoryMb !== undefined && { memoryMb }),
        vcpu,
      }),
      env: {},
      secrets: {},
      startTimeoutMs: this.#options.deadlineMs / 2,
      onLog: (line) => this.#logged(line),
      ...rest,
    };
  }

  /** An instance of the scenario; where the case shares them, the one that runs it already. */
  async start(scenario: Scenario, overrides?: SpecOverrides): Promise<Instance> {
    const start = async (): Promise<Instance> =>
      this.startArtifact(await this.artifact(scenario), overrides);
    const { shared } = this.#options;
    if (shared === undefined || overrides !== undefined) return start();
    return shared.take(scenario.name, start);
  }

  startArtifact(artifact: Artifact, overrides: SpecOverrides = {}): Promise<Instance> {
    const { signal } = new AbortController();
    return this.within(this.driver.start(artifact, this.spec(overrides), signal), "start");
  }

  /** Starts what must not start; gives the StartError. */
  async failedStart(artifact: Artifact, overrides: SpecOverrides = {}): Promise<StartError> {
    const outcome = await this.startArtifact(artifact, overrides).catch((error: unknown) => error);
    assert(outcome instanceof StartError, `start() gave ${String(outcome)}, not a StartError`);
    return outcome;
  }

  /** Begins an invocation. */
  call(instance: Instance, request: SuiteRequest = {}): Recording {
    const recording = new Recording({
      keep: request.keep ?? true,
      consume: request.consume ?? true,
    });
    const body = typeof request.body === "string" ? Buffer.from(request.body) : request.body;
    const complete = request.complete ?? true;
    recording.attach(instance.serve(this.#head(request), body, complete, recording));
    return recording;
  }

  /** Runs an invocation to its end; the sink must hear one head, data, one last call. */
  async fetch(instance: Instance, request: SuiteRequest = {}): Promise<Recording> {
    return this.done(this.call(instance, request));
  }

  /** Waits until the invocation is over, and a little longer for calls that must not come. */
  async done(recording: Recording): Promise<Recording> {
    await this.within(
      recording.until(() => recording.isDone),
      "the invocation to end",
    );
    await this.settle();
    recording.assertOrder();
    return recording;
  }

  /** As `fetch`, for invocations that must succeed with 200. */
  async ok(instance: Instance, request: SuiteRequest = {}): Promise<Recording> {
    const recording = await this.fetch(instance, request);
    assert.equal(recording.failure, undefined, recording.describe());
    assert.equal(recording.status, 200);
    return recording;
  }

  /** Resolves as soon as the condition on the log lines holds. */
  logged(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return Promise.resolve();
    const heard = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#logWaiting.delete(look);
        resolve();
      };
      this.#logWaiting.add(look);
    });
    return this.within(heard, what);
  }

  /** The promise's outcome, or a failure of the case when the deadline passes first. */
  async within<T>(promise: Promise<T>, what: string): Promise<T> {
    const stop = new AbortController();
    const late = this.clock.sleep(this.#options.deadlineMs, stop.signal).then(
      () => assert.fail(`waited ${this.#options.deadlineMs} ms for ${what}`),
      // The abort below only ends the wait.
      () => new Promise<never>(() => {}),
    );
    try {
      return await Promise.race([promise, late]);
    } finally {
      stop.abort(new Error("no longer waiting"));
    }
  }

  /** Lets everything that is ready happen: some turns of the event loop. */
  async settle(turns = 5): Promise<void> {
    for (let turn = 0; turn < turns; turn++) {
      await new Promise<void>((resolve) => endOfTurn(resolve));
    }
  }

  /** Proves that the guest's loop has turned `times` times since; nothing waits for time to pass. */
  async rounds(instance: Instance, times: number): Promise<void> {
    for (let round = 0; round < times; round++) {
      const responded = await this.within(instance.responds(this.#options.deadlineMs), "a pong");
      assert(responded, "the instance does not respond");
      await this.settle(1);
    }
  }

  #head(request: SuiteRequest): RequestHead {
    this.#calls += 1;
    return {
      invocationId: `inv_${String(this.#calls).padStart(6, "0")}`,
      requestId: `req-${this.#calls}`,
      method: request.method ?? "POST",
      url: `http://suite.example${request.path ?? "/"}`,
      deadlineMs: this.clock.now() + 30_000,
      caller: "",
      headers: request.headers ?? [],
    };
  }

  #logged(line: LogLine): void {
    this.logs.push(line);
    for (const look of this.#logWaiting) look();
  }
}
