import { createVirtualClock, type VirtualClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import type { InvocationRecord, LogLine } from "../domain/invocation.ts";
import type { FunctionPlan, Plan } from "../domain/plan.ts";
import type { ProbeTable } from "../drivers/driver-table.ts";
import { createServing, type RunningServing } from "./create-serving.ts";
import { Invocation } from "./invocation.ts";
import type { InvocationRequest } from "./invocation-contract.ts";
import { type FunctionChanges, testFunction, testPlan } from "./plan-builder.harness.ts";
import { RecordingListener } from "./recording-listener.harness.ts";
import { type ScriptedCall, ScriptedDriver } from "./scripted-driver.harness.ts";
import type { ServingSettings } from "./serving-context.ts";

export interface Asked {
  readonly invocation: Invocation;
  readonly heard: RecordingListener;
}

/** Serving over a scripted driver and a virtual clock. */
export class ServingBench {
  readonly clock: VirtualClock = createVirtualClock();
  readonly driver = new ScriptedDriver();
  readonly lines: LogLine[] = [];
  readonly records: InvocationRecord[] = [];
  readonly serving: RunningServing;
  #asked = 0;

  constructor(settings: Partial<ServingSettings> = {}, probes: ProbeTable = new Map()) {
    this.serving = createServing({
      drivers: new Map([
        ["bun/process", this.driver],
        ["deno/worker", this.driver],
      ]),
      probes,
      loadArtifact: (digest) => Promise.resolve(Buffer.from(digest)),
      journal: {
        log: (line) => void this.lines.push(line),
        record: (record) => void this.records.push(record),
      },
      clock: this.clock,
      random: createSeededRandom(1),
      log: silentLog,
      settings,
    });
  }

  apply(...functions: (FunctionPlan | FunctionChanges)[]): Plan {
    const plan = testPlan(
      functions.map((entry) => ("functionId" in entry ? entry : testFunction(entry))),
    );
    this.serving.apply(plan);
    return plan;
  }

  /** Invokes a name such as `hello` or `hello@2`. */
  ask(segment = "hello", changes: Partial<InvocationRequest> = {}): Asked {
    const route = this.serving.routes.bySegment(segment, undefined);
    if (typeof route === "string") throw new Error(`${segment}: ${route}`);
    this.#asked += 1;
    const heard = new RecordingListener();
    const invocation = new Invocation(
      this.serving.context,
      {
        invocationId: `inv_${this.#asked}`,
        requestId: `req_${this.#asked}`,
        method: "GET",
        url: "http://localhost/",
        caller: "",
        headers: [],
        route,
        body: undefined,
        complete: true,
        receivedAtMs: this.clock.monotonicMs(),
        ...changes,
      },
      heard,
    );
    heard.onData = (bytes) => invocation.consumed(bytes);
    this.serving.invoke(invocation);
    return { invocation, heard };
  }

  askMany(count: number, segment = "hello"): Asked[] {
    return Array.from({ length: count }, () => this.ask(segment));
  }

  /** Lets promises settle without time passing. */
  settle(): Promise<void> {
    return this.clock.advance(0);
  }
}

/** A bench with one warm instance whose calls stay open. */
export async function warmBench(
  limits: Record<string, number> = {},
  concurrency: Record<string, number> = {},
): Promise<{ bench: ServingBench; calls: ScriptedCall[] }> {
  const bench = new ServingBench();
  bench.apply({ manifest: { limits, concurrency } });
  bench.ask();
  await bench.settle();
  const calls: ScriptedCall[] = [];
  bench.driver.handler = (call) => void calls.push(call);
  bench.records.length = 0;
  return { bench, calls };
}

/** How many invocations had each outcome. */
export function tally(asked: readonly Asked[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { heard } of asked) counts[heard.outcome] = (counts[heard.outcome] ?? 0) + 1;
  return counts;
}
