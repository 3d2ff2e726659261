import type { Clock, Timer } from "../base/clock.ts";
import { declaredEnv } from "../domain/declared-env.ts";
import type { EgressDenial } from "../domain/egress-decision.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { DeploymentPlan, FunctionPlan, Plan } from "../domain/plan.ts";
import type { Instance, StartSpec } from "../drivers/driver.ts";

/** How long one is kept for the first request of what was just promoted. */
const keptMs = 5000;
/** More are not kept: each holds the memory of an instance that nobody has asked for yet. */
const keptMax = 8;

/** Who hears what an instance says from when it serves. */
export interface InstanceEars {
  readonly onLog: (line: LogLine) => void;
  readonly onEgressDenied: (denial: EgressDenial) => void;
}

/** The ears of an instance, which change when it goes from its proof to serving. */
export class ChangingEars implements InstanceEars {
  #ears: InstanceEars;

  constructor(ears: InstanceEars) {
    this.#ears = ears;
  }

  readonly onLog = (line: LogLine): void => this.#ears.onLog(line);
  readonly onEgressDenied = (denial: EgressDenial): void => this.#ears.onEgressDenied(denial);

  change(ears: InstanceEars): void {
    this.#ears = ears;
  }
}

interface Kept {
  readonly instance: Instance;
  readonly spec: Pick<StartSpec, "deploymentId" | "env" | "secrets">;
  readonly ears: ChangingEars;
  readonly timer: Timer;
  /** An alias was seen to point at its deployment. */
  isPromoted: boolean;
}

/**
 * Instances that proved a deployment which is promoted next: they have loaded its code and served
 * nothing, so the first request gets one of them instead of another start. One per deployment, each
 * handed out once, and only while its env and secrets are those of the plan.
 */
export class ProvedInstances {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(instance: Instance, spec: Kept["spec"], ears: ChangingEars): void {
    const { deploymentId } = spec;
    if (this.#isClosed) {
      void instance.stop({ graceMs: 0 });
      return;
    }
    this.#drop(deploymentId);
    const [oldest] = this.#kept.size >= keptMax ? this.#kept.keys() : [];
    if (oldest !== undefined) this.#drop(oldest);
    const timer = this.#clock.after(keptMs, () => this.#drop(deploymentId));
    this.#kept.set(deploymentId, { instance, spec, ears, timer, isPromoted: false });
    void this.#forgetWhenGone(deploymentId, instance);
  }

  /** Hands out the one that proved the deployment, whose ears are the given ones from here on. */
  take(
    { env }: FunctionPlan,
    { deploymentId, manifest }: DeploymentPlan,
    ears: InstanceEars,
  ): Instance | undefined {
    const kept = this.#kept.get(deploymentId);
    if (kept === undefined) return undefined;
    const { spec } = kept;
    const isSame =
      areEqual(spec.env, declaredEnv(env.env, manifest.envKeys)) &&
      areEqual(spec.secrets, declaredEnv(env.secrets, manifest.secretKeys));
    if (!isSame) {
      this.#drop(deploymentId);
      return undefined;
    }
    this.#forget(deploymentId, kept);
    kept.ears.change(ears);
    return kept.instance;
  }

  /** Stops those whose deployment was promoted and is no longer. */
  apply(plan: Plan): void {
    if (this.#kept.size === 0) return;
    const promoted = new Set<string>();
    for (const { aliases } of plan.functions.values()) {
      for (const targets of aliases.values()) {
        for (const { deploymentId } of targets) promoted.add(deploymentId);
      }
    }
    for (const [deploymentId, kept] of this.#kept) {
      const isPromoted = promoted.has(deploymentId);
      if (kept.isPromoted && !isPromoted) this.#drop(deploymentId);
      kept.isPromoted = isPromoted;
    }
  }

  /** Stops all of them and resolves when they are gone; keeps none from here on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const kept = [...this.#kept];
    for (const [deploymentId] of kept) this.#drop(deploymentId);
    await Promise.all(kept.map(([, { instance }]) => instance.exit));
  }

  async #forgetWhenGone(deploymentId: string, instance: Instance): Promise<void> {
    await instance.exit;
    if (this.#kept.get(deploymentId)?.instance === instance) this.#drop(deploymentId);
  }

  #drop(deploymentId: string): void {
    const kept = this.#kept.get(deploymentId);
    if (kept === undefined) return;
    this.#forget(deploymentId, kept);
    void kept.instance.stop({ graceMs: 0 });
  }

  #forget(deploymentId: string, { timer }: Kept): void {
    this.#kept.delete(deploymentId);
    timer.cancel();
  }
}

function areEqual(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const keys = Object.keys(one);
  if (keys.length !== Object.keys(other).length) return false;
  return keys.every((key) => Object.hasOwn(other, key) && one[key] === other[key]);
}
