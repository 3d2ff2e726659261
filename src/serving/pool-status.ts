import type { InstanceExit, Tier } from "../domain/instance.ts";

/** What one pool looks like now; for `/metrics`, runtime status and the console. */
export interface PoolStatus {
  readonly functionId: string;
  readonly project: string;
  readonly functionName: string;
  readonly deploymentId: string;
  readonly revision: number;
  readonly envVersion: number;
  readonly draining: boolean;
  readonly instances: readonly InstanceStatus[];
  /** Invocations on instances, and waiting for one. */
  readonly running: number;
  readonly waiting: number;
  readonly lastFailure: PoolFailure | undefined;
}

export interface InstanceStatus {
  readonly id: string | undefined;
  readonly state: "starting" | "ready" | "draining" | "exited";
  /** A check whether it still answers is under way; until then it counts for nothing. */
  readonly suspected: boolean;
  readonly running: number;
  readonly served: number;
  /** Undefined until it has started. */
  readonly tier: Tier | undefined;
  readonly pids: readonly number[];
}

/** The last start that failed, or the last instance that died by itself. */
export interface PoolFailure {
  readonly exit: InstanceExit;
  readonly message: string;
  readonly log: string;
  readonly atMs: number;
}
