import { Counter, Gauge, Registry } from "prom-client";
import type { Clock } from "../base/clock.ts";
import type { BlobCollector } from "../control/blob-collector.ts";
import type { QueueFigures } from "../control/queue/create-queue.ts";
import type { Journal } from "../journal/journal.ts";
import { durationBucketsMs, type FunctionMeter } from "../serving/meter.ts";
import type { Serving } from "../serving/serving.ts";

interface MetricEntry {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

/** Every metric of `/metrics`. The reference page comes from this table. */
export const metricTable = {
  reactor_invocations_total: {
    type: "counter",
    help: "Finished invocations by HTTP status.",
    labels: ["project", "function", "status"],
  },
  reactor_invocation_errors_total: {
    type: "counter",
    help: "Finished invocations that ended in an error of the platform's catalogue, by code.",
    labels: ["project", "function", "code"],
  },
  reactor_invocation_duration_seconds: {
    type: "histogram",
    help: "Time from the request's head to the end of its answer.",
    labels: ["project", "function"],
  },
  reactor_cold_starts_total: {
    type: "counter",
    help: "Invocations that waited for an instance to receive its code.",
    labels: ["project", "function"],
  },
  reactor_request_bytes_total: {
    type: "counter",
    help: "Bytes of request bodies.",
    labels: ["project", "function"],
  },
  reactor_response_bytes_total: {
    type: "counter",
    help: "Bytes of response bodies.",
    labels: ["project", "function"],
  },
  reactor_run_seconds_total: {
    type: "counter",
    help: "Time that invocations were on an instance: without waiting and without cold starts.",
    labels: ["project", "function"],
  },
  reactor_vcpu_seconds_total: {
    type: "counter",
    help: "That time multiplied by the processors of the instance: 1 is 1000 of `vcpu_ms`.",
    labels: ["project", "function"],
  },
  reactor_gb_seconds_total: {
    type: "counter",
    help: "That time multiplied by the memory of the instance, in units of 1024 MB: as `gb_s`.",
    labels: ["project", "function"],
  },
  reactor_invocations_in_flight: {
    type: "gauge",
    help: "Invocations on an instance now, over all functions.",
    labels: [],
  },
  reactor_invocations_waiting: {
    type: "gauge",
    help: "Invocations waiting for an instance now, over all functions.",
    labels: [],
  },
  reactor_instances: {
    type: "gauge",
    help: "Instances by state, over all functions.",
    labels: ["state"],
  },
  reactor_refusals_total: {
    type: "counter",
    help: "Requests to functions that were answered with an error of the platform, by code: wrong credentials, policies, limits and failures.",
    labels: ["code"],
  },
  reactor_egress_denied_total: {
    type: "counter",
    help: "Outgoing connections and lookups of functions that a rule of egress denied, by the rule: `not_allowed`, `private_address`, `own_address`, `invalid_destination`, `connections`.",
    labels: ["project", "function", "reason"],
  },
  reactor_log_lines_dropped_total: {
    type: "counter",
    help: "Log lines dropped because a bound was reached.",
    labels: [],
  },
  reactor_deployments_collected_total: {
    type: "counter",
    help: "Old failed deployments removed because a function has newer ones.",
    labels: [],
  },
  reactor_blobs_collected_total: {
    type: "counter",
    help: "Stored bundles removed because no deployment used them any more.",
    labels: [],
  },
  reactor_blob_bytes_collected_total: {
    type: "counter",
    help: "Bytes of those bundles.",
    labels: [],
  },
  reactor_queue_accepted_total: {
    type: "counter",
    help: "Invocations that were accepted to run later.",
    labels: [],
  },
  reactor_queue_attempts_total: {
    type: "counter",
    help: "Attempts of queued invocations that began.",
    labels: [],
  },
  reactor_queue_finished_total: {
    type: "counter",
    help: "Queued invocations that reached a terminal state.",
    labels: ["state"],
  },
  reactor_queue_waiting: {
    type: "gauge",
    help: "Invocations that are queued or running, by function.",
    labels: ["function_id"],
  },
  reactor_queue_running: { type: "gauge", help: "Queued invocations that run now.", labels: [] },
  reactor_uptime_seconds: { type: "gauge", help: "Seconds since the server started.", labels: [] },
} as const satisfies Record<string, MetricEntry>;

type MetricName = keyof typeof metricTable;

export interface MetricsSources {
  readonly serving: Serving;
  readonly journal: Journal;
  readonly collector: Pick<BlobCollector, "collected">;
  readonly queue: () => QueueFigures | undefined;
  /** Errors of the platform that the gateway answered, by code. */
  readonly refusals: () => Iterable<readonly [code: string, count: number]>;
  readonly clock: Clock;
}

export interface Metrics {
  readonly contentType: string;
  /** The text exposition of everything as it is now. */
  text(): Promise<string>;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Builds `/metrics`: nothing is counted here, every scrape reads serving's and the journal's own figures. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry();
  const startedAtMs = sources.clock.monotonicMs();
  const read = samplers(sources, startedAtMs);
  for (const [name, entry] of Object.entries(metricTable) as [MetricName, MetricEntry][]) {
    if (entry.type === "histogram") continue;
    const samples = read[name as keyof typeof read];
    registry.registerMetric(pulledMetric(name, entry, samples));
  }
  return {
    contentType: registry.contentType,
    text: async () => `${await registry.metrics()}\n${durations(sources.serving)}`,
  };
}

/** A metric that is read from its source at each scrape. */
function pulledMetric(name: string, entry: MetricEntry, samples: () => Sample[]): Counter | Gauge {
  const options = { name, help: entry.help, labelNames: [...entry.labels], registers: [] };
  if (entry.type === "counter") {
    return new Counter({
      ...options,
      collect() {
        this.reset();
        for (const [labels, value] of samples()) this.inc(labels, value);
      },
    });
  }
  return new Gauge({
    ...options,
    collect() {
      this.reset();
      for (const [labels, value] of samples()) this.set(labels, value);
    },
  });
}

function samplers(sources: MetricsSources, startedAtMs: number) {
  const { serving, journal, collector, refusals, clock } = sources;
  const perFunction = (value: (meter: FunctionMeter) => number) => (): Sample[] =>
    [...serving.meters()].map((meter) => [functionLabels(meter), value(meter)]);
  const overPools =
    (value: (pool: { running: number; waiting: number }) => number) => (): Sample[] => [
      [{}, serving.pools().reduce((sum, pool) => sum + value(pool), 0)],
    ];
  return {
    reactor_invocations_total: (): Sample[] =>
      [...serving.meters()].flatMap((meter) =>
        [...meter.byStatus].map(
          ([status, count]): Sample => [
            { ...functionLabels(meter), status: String(status) },
            count,
          ],
        ),
      ),
    reactor_invocation_errors_total: (): Sample[] =>
      [...serving.meters()].flatMap((meter) =>
        [...meter.byErrorCode].map(
          ([code, count]): Sample => [{ ...functionLabels(meter), code }, count],
        ),
      ),
    reactor_cold_starts_total: perFunction((meter) => meter.coldStarts),
    reactor_request_bytes_total: perFunction((meter) => meter.bytesIn),
    reactor_response_bytes_total: perFunction((meter) => meter.bytesOut),
    reactor_run_seconds_total: perFunction((meter) => meter.runMsSum / 1000),
    reactor_vcpu_seconds_total: perFunction((meter) => meter.vcpuMsSum / 1000),
    reactor_gb_seconds_total: perFunction((meter) => meter.gbSecondsSum),
    reactor_invocations_in_flight: overPools((pool) => pool.running),
    reactor_invocations_waiting: overPools((pool) => pool.waiting),
    reactor_instances: (): Sample[] => instancesByState(serving),
    reactor_refusals_total: (): Sample[] =>
      [...refusals()].map(([code, count]): Sample => [{ code }, count]),
    reactor_egress_denied_total: (): Sample[] =>
      [...serving.meters()].flatMap((meter) =>
        [...meter.egressDenials.byReason].map(
          ([reason, count]): Sample => [{ ...functionLabels(meter), reason }, count],
        ),
      ),
    reactor_log_lines_dropped_total: (): Sample[] => [[{}, journal.dropped.lines]],
    reactor_deployments_collected_total: (): Sample[] => [[{}, collector.collected.deployments]],
    reactor_blobs_collected_total: (): Sample[] => [[{}, collector.collected.blobs]],
    reactor_blob_bytes_collected_total: (): Sample[] => [[{}, collector.collected.bytes]],
    ...queueSamplers(sources.queue),
    reactor_uptime_seconds: (): Sample[] => [[{}, (clock.monotonicMs() - startedAtMs) / 1000]],
  } satisfies Partial<Record<MetricName, () => Sample[]>>;
}

function queueSamplers(read: MetricsSources["queue"]) {
  const one = (value: (queue: QueueFigures) => number) => (): Sample[] => {
    const queue = read();
    return queue === undefined ? [] : [[{}, value(queue)]];
  };
  const states = ["succeeded", "failed", "dead"] as const;
  return {
    reactor_queue_accepted_total: one((queue) => queue.accepted),
    reactor_queue_attempts_total: one((queue) => queue.attempts),
    reactor_queue_running: one((queue) => queue.running),
    reactor_queue_finished_total: (): Sample[] => {
      const queue = read();
      return queue === undefined ? [] : states.map((state) => [{ state }, queue[state]]);
    },
    reactor_queue_waiting: (): Sample[] =>
      (read()?.waiting ?? []).map(
        ([functionId, count]): Sample => [{ function_id: functionId }, count],
      ),
  };
}

function functionLabels(meter: FunctionMeter): Record<string, string> {
  return { project: meter.project, function: meter.functionName };
}

function instancesByState(serving: Serving): Sample[] {
  const counts = { starting: 0, ready: 0, draining: 0 };
  for (const pool of serving.pools()) {
    for (const instance of pool.instances) {
      if (instance.state !== "exited") counts[instance.state] += 1;
    }
  }
  return Object.entries(counts).map(([state, count]) => [{ state }, count]);
}

/** The histogram in the text format; prom-client cannot take over counts made elsewhere. */
function durations(serving: Serving): string {
  const name = "reactor_invocation_duration_seconds";
  const lines = [`# HELP ${name} ${metricTable[name].help}`, `# TYPE ${name} histogram`];
  for (const meter of serving.meters()) {
    // Project and function names hold no character that the format would need escaped.
    const labels = `project="${meter.project}",function="${meter.functionName}"`;
    let total = 0;
    meter.durationBuckets.forEach((count, index) => {
      total += count;
      const bound = durationBucketsMs[index];
      const le = bound === undefined ? "+Inf" : String(bound / 1000);
      lines.push(`${name}_bucket{${labels},le="${le}"} ${total}`);
    });
    lines.push(`${name}_sum{${labels}} ${meter.durationMsSum / 1000}`);
    lines.push(`${name}_count{${labels}} ${total}`);
  }
  return `${lines.join("\n")}\n`;
}
