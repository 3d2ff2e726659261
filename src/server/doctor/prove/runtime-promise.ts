import type { Enforcement } from "../../../drivers/driver.ts";
import type { Tier } from "../../../domain/instance.ts";

/** Runtimes that probes are written for. */
export const provenRuntimes = ["bun", "node", "deno", "python"] as const;
export type ProvenRuntime = (typeof provenRuntimes)[number];

/** What the scratch server says about a runtime: what it promises here. */
export interface RuntimePromise {
  readonly runtime: ProvenRuntime;
  readonly version: string;
  readonly tier: Tier;
  readonly enforces: {
    readonly memory: Enforcement;
    readonly cpu: Enforcement;
    readonly processes: Enforcement;
  };
  /** What would make it promise more, one sentence each. */
  readonly remedies: readonly string[];
}
