import type { Draw } from "./draw.ts";

export type LoadResult = "ok" | "throw" | "never" | "exit";

/** What of a deployment went wrong in this life. */
export type TroubleKind = "start" | "crash" | "spin" | "timeout";

/** Which faults the world has caused in this life, and so which failures it has to allow. */
export class Trouble {
  /** How often of 100 an import fails. */
  loadFaultPercent = 0;
  /** A fault of the store was armed in this life. */
  storage = false;
  /** A fault of the blobs was armed in this life. */
  blobs = false;
  /** A guest ignored a cancel, died at will or took a day in this life. */
  guests = false;
  readonly #seen = new Set<string>();

  /** When a start of the deployment was under way for the last time, at most. */
  readonly #startSeen = new Map<string, number>();

  clear(): void {
    this.#startSeen.clear();
    this.loadFaultPercent = 0;
    this.storage = false;
    this.blobs = false;
    this.guests = false;
    this.#seen.clear();
  }

  disturbed(kind: TroubleKind, deploymentId: string): void {
    this.#seen.add(`${kind} ${deploymentId}`);
  }

  has(kind: TroubleKind, deploymentId: string): boolean {
    return this.#seen.has(`${kind} ${deploymentId}`);
  }

  /** Whether an instance of the deployment may have been suspected of being stuck. */
  suspects(deploymentId: string): boolean {
    return this.guests || this.has("timeout", deploymentId) || this.has("spin", deploymentId);
  }

  /** A start of the deployment is under way, or will be for so long at most. */
  starting(deploymentId: string, untilMs: number): void {
    this.#startSeen.set(deploymentId, Math.max(untilMs, this.startSeenMs(deploymentId)));
  }

  startSeenMs(deploymentId: string): number {
    return this.#startSeen.get(deploymentId) ?? 0;
  }

  load(draw: Draw, deploymentId: string): LoadResult {
    if (!draw.chance(this.loadFaultPercent / 100)) return "ok";
    this.disturbed("start", deploymentId);
    return draw.pick(["throw", "never", "exit"]);
  }
}
