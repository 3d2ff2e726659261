import { describeTier } from "../../../domain/tiers.ts";
import type { Observation, Probe } from "./probe.ts";
import type { RuntimePromise } from "./runtime-promise.ts";

/**
 * `held`: the limit stood. `broken`: it did not, and the tier promises it. `not_held`: it did not, and
 * the tier does not promise it. `untried`: it could not be tried here. `failed`: the probe went wrong.
 */
export type Outcome = "held" | "broken" | "not_held" | "untried" | "failed";

/** Exit code of each outcome; 2 is wrong usage, as everywhere. */
const outcomeCodes = {
  held: 0,
  broken: 1,
  failed: 1,
  not_held: 3,
  untried: 3,
} as const satisfies Record<Outcome, number>;

export interface Verdict {
  readonly probe: string;
  readonly runtime: string;
  readonly tier: number;
  readonly outcome: Outcome;
  readonly exit_code: 0 | 1 | 3;
  /** What was tried. */
  readonly tried: string;
  /** What came of it, with the figure that was reached, or why nothing did. */
  readonly found: string;
  /** What would make it hold; null when nothing is to be done. */
  readonly remedy: string | null;
}

const tierRemedies = {
  0: "",
  1: 'give the server a sandbox: apt-get install bubblewrap, and sandbox = "auto"',
  2: "give the server control groups: root or a systemd service with Delegate=yes",
  3: 'isolation "microvm"',
} as const;

/** What an observation means for a runtime of this tier. */
export function judge(probe: Probe, runtime: RuntimePromise, seen: Observation): Verdict {
  if ("untried" in seen) return verdictOf(probe, runtime, "untried", { found: seen.untried });
  const { found, held } = seen;
  if (held) return verdictOf(probe, runtime, "held", { found });
  if (isPromised(probe, runtime)) {
    const remedy = "do not run code that you do not trust here, and report this";
    return verdictOf(probe, runtime, "broken", { found, remedy });
  }
  const remedy = runtime.remedies.join("; ") || tierRemedies[probe.tier];
  return verdictOf(probe, runtime, "not_held", {
    found: `${found}; tier ${describeTier(runtime.tier)} does not promise it`,
    remedy,
  });
}

/** A probe that went wrong proves nothing. */
export function failed(probe: Probe, runtime: RuntimePromise, reason: string): Verdict {
  return verdictOf(probe, runtime, "failed", { found: `the probe went wrong: ${reason}` });
}

function isPromised(probe: Probe, { tier, enforces }: RuntimePromise): boolean {
  return tier >= probe.tier && (probe.limit === undefined || enforces[probe.limit] !== "none");
}

function verdictOf(
  probe: Probe,
  { runtime, tier }: RuntimePromise,
  outcome: Outcome,
  more: { readonly found: string; readonly remedy?: string },
): Verdict {
  return {
    probe: probe.name,
    runtime,
    tier,
    outcome,
    exit_code: outcomeCodes[outcome],
    tried: probe.tries,
    found: more.found,
    remedy: more.remedy || null,
  };
}

/** The worst of all: something broken or wrong, else something that is not promised, else nothing. */
export function overallCode(verdicts: readonly Verdict[]): 0 | 1 | 3 {
  const codes = new Set(verdicts.map((verdict) => verdict.exit_code));
  if (codes.has(1)) return 1;
  return codes.has(3) ? 3 : 0;
}
