import type { DeploymentResource, FunctionResource } from "../client/resources.ts";

/** `@7 (dep_…)`, or a dash before the first promote. */
export function describeProduction(view: FunctionResource): string {
  return view.production ? `@${view.production.revision} (${view.production.deployment_id})` : "-";
}

/** `hello@7 (dep_…)` */
export function describeDeployment(name: string, deployment: DeploymentResource): string {
  return `${name}@${deployment.revision} (${deployment.id})`;
}

/** `1 (sandbox)`, with what is demanded where the server gives less; a dash where it cannot run. */
export function describeTierOf(
  tier: FunctionResource["tier"],
  minTier: FunctionResource["min_tier"],
): string {
  const given = tier === null ? "-" : `${tier.level} (${tier.name})`;
  const isMet = minTier === null || (tier !== null && tier.level >= minTier);
  return isMet ? given : `${given}, min_tier ${minTier} is not met: invocations answer 503`;
}

const units = ["B", "kB", "MB", "GB"] as const;

/** A size for people: `512 B`, `1.2 kB`, `34 MB`. */
export function describeBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? "GB"}`;
}

/** An API time without its fraction, for tables. */
export function describeTime(time: string | null): string {
  return time === null ? "-" : time.replace(/\.\d+Z$/, "Z");
}

/** What one invocation used. */
export function describeUsage({ vcpu_ms, gb_s }: { vcpu_ms: number; gb_s: number }): string {
  return `${vcpu_ms.toFixed(1)} vCPU-ms ${gb_s.toFixed(6)} GB-s`;
}

/** Where a function is invoked, production alias. */
export function describeUrl(server: string, project: string, name: string): string {
  return `${server}/fn/v1/${project === "default" ? "" : `${project}:`}${name}`;
}
