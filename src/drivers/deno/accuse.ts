import type { InstanceExit } from "../../domain/instance.ts";

/** A worker of a pod at the moment of its end. */
export interface PodWitness {
  readonly deploymentId: string;
  /** It ran a request or loaded its module. */
  readonly isBusy: boolean;
  /** What it held, as it measured last. */
  readonly bytes: number;
  /** It had not measured itself for a while, as code that does not yield. */
  readonly isSilent: boolean;
}

/**
 * Says whose deployments brought a pod down. For memory: of those that were busy (all, when none was)
 * the one that held most, and those that did not yield, whose measurements are old. For anything
 * else: all that were busy, since nothing tells them apart. Being accused costs an innocent one a
 * process of its own, not an answer.
 */
export function accuse(exit: InstanceExit, witnesses: readonly PodWitness[]): ReadonlySet<string> {
  const busy = witnesses.filter((witness) => witness.isBusy);
  if (exit.reason !== "memory") return deploymentsOf(busy);
  const suspects = busy.length > 0 ? busy : witnesses;
  const most = Math.max(...suspects.map((suspect) => suspect.bytes));
  return deploymentsOf(suspects.filter(({ bytes, isSilent }) => isSilent || bytes === most));
}

function deploymentsOf(witnesses: readonly PodWitness[]): ReadonlySet<string> {
  return new Set(witnesses.map((witness) => witness.deploymentId));
}
