import type { SimulatedKnob } from "../simulated/knobs.ts";
import type { CaseContext } from "./case-context.ts";

/** One promise of the driver contract as data, so that it can run against any driver. */
export interface DriverCase {
  /** A sentence about behaviour. */
  readonly name: string;
  /** It leaves nothing behind in its instance, so that others of this kind may go on with it. */
  readonly isShared?: true;
  /** The simulated driver's knob that must make this case fail. */
  readonly knob: SimulatedKnob;
  /** Rejects when the promise is broken. */
  run(context: CaseContext): Promise<void>;
}
