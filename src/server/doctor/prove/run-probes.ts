import type { Clock } from "../../../base/clock.ts";
import { tiers } from "../../../domain/tiers.ts";
import type { Probe } from "./probe.ts";
import { ProbeWorld } from "./probe-world.ts";
import { provenRuntimes, type ProvenRuntime, type RuntimePromise } from "./runtime-promise.ts";
import type { ScratchServer } from "./scratch-server.ts";
import { failed, judge, type Verdict } from "./verdict.ts";

/** Longest time that one probe may take, the start of a server that the one before killed included. */
const probeMsMax = 60_000;

export interface RunProbesOptions {
  readonly server: ScratchServer;
  readonly probes: readonly Probe[];
  readonly openFolder: string;
  /** Text that is nowhere else on this machine. */
  readonly mark: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Hears what is about to be tried. */
  readonly onProbe: (probe: Probe, runtime: RuntimePromise) => void;
  readonly onVerdict: (verdict: Verdict) => void;
}

/**
 * Runs the probes one after the other on every runtime that works here. Rejects when the server does
 * not start, and with the signal's reason.
 */
export async function runProbes(options: RunProbesOptions): Promise<readonly Verdict[]> {
  const { server, probes, signal } = options;
  const verdicts: Verdict[] = [];
  await server.ensure(signal);
  for (const promise of await promisesOf(server, signal)) {
    const world = new ProbeWorld({ ...options, promise });
    const able = probes.filter(({ runtimes }) => runtimes?.includes(promise.runtime) ?? true);
    for (const probe of able) {
      options.onProbe(probe, promise);
      const verdict = await runProbe(probe, world, options);
      verdicts.push(verdict);
      options.onVerdict(verdict);
    }
  }
  return verdicts;
}

async function runProbe(
  probe: Probe,
  world: ProbeWorld,
  { server, clock, signal }: RunProbesOptions,
): Promise<Verdict> {
  const late = Promise.withResolvers<never>();
  const timer = clock.after(probeMsMax, () =>
    late.reject(new Error(`it did not end within ${probeMsMax / 1000} s`)),
  );
  const leave = (): void => late.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    await server.ensure(signal);
    return judge(probe, world.promise, await Promise.race([probe.run(world), late.promise]));
  } catch (error) {
    signal.throwIfAborted();
    // Whatever it was about goes with its server.
    await server.kill();
    return failed(probe, world.promise, error instanceof Error ? error.message : String(error));
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", leave);
  }
}

/** What the server says that it holds, by runtime. */
async function promisesOf(
  server: ScratchServer,
  signal: AbortSignal,
): Promise<readonly RuntimePromise[]> {
  const { runtimes } = await server.client.system({ signal });
  const promises = runtimes.flatMap(({ name, available, version, tier, enforces, remedies }) => {
    const runtime: ProvenRuntime | undefined = provenRuntimes.find((proven) => proven === name);
    if (runtime === undefined || !available) return [];
    const { memory, cpu, processes } = enforces;
    const level = tiers.find((known) => known === tier) ?? 0;
    const limits = { memory, cpu, processes };
    return [{ runtime, version: version ?? "", tier: level, enforces: limits, remedies }];
  });
  if (promises.length > 0) return promises;
  const why = runtimes.map(({ name, findings }) => `${name}: ${findings.join("; ")}`);
  throw new Error(`no runtime works here: ${why.join("; ")}`);
}
