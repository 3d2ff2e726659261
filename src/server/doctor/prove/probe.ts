import type { Tier } from "../../../domain/instance.ts";
import type { ProbeWorld } from "./probe-world.ts";
import type { ProvenRuntime, RuntimePromise } from "./runtime-promise.ts";

/** What came of a probe: the limit held or did not, and the figure that was reached. */
export type Observation =
  | { readonly held: boolean; readonly found: string }
  /** It could not be tried here, and why. */
  | { readonly untried: string };

/** One try to break one promise, by a real function on a real server. */
export interface Probe {
  /** Unique, kebab-case. */
  readonly name: string;
  /** What it does, to follow the name in a line. */
  readonly tries: string;
  /** Lowest tier that promises that it fails. */
  readonly tier: Tier;
  /** A limit that the runtime must enforce as well before it is a promise. */
  readonly limit?: keyof RuntimePromise["enforces"];
  /** Absent: every runtime can try it. */
  readonly runtimes?: readonly ProvenRuntime[];
  /** Rejects when the probe itself went wrong, which is no proof of anything. */
  readonly run: (world: ProbeWorld) => Promise<Observation>;
}
