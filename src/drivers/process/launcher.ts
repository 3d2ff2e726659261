import type { Tier } from "../../domain/instance.ts";
import type { DriverProbe } from "../driver.ts";
import type { Launch } from "./launch.ts";

/** A guest on its way up, and what it was started as. */
export interface LaunchedGuest {
  readonly launch: Launch;
  readonly tier: Tier;
  /** Processes and threads that it may have. */
  readonly processesMax: number;
}

/** What brings up the guests of one host. Lifecycle: probe, launch, close. */
export interface Launcher {
  /** What guests of this launcher are on this machine. Never rejects. */
  probe(signal: AbortSignal): Promise<DriverProbe>;
  /** Starts a guest that has no function. Rejects with the signal's reason when it was aborted before. */
  launch(signal: AbortSignal): Promise<LaunchedGuest>;
  /** Removes what the launcher keeps; the guests have ended by then. */
  close(): Promise<void>;
}
