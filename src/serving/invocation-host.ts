import type { InstanceExit } from "../domain/instance.ts";
import type { InstanceSlot } from "./instance-slot.ts";
import type { FunctionMeter } from "./meter.ts";

/** What an invocation (`I`) asks of the pool that holds it. */
export interface InvocationHost<I> {
  readonly meter: FunctionMeter;
  /** Runs it at once, lets it wait or refuses it. */
  admit(invocation: I): void;
  /** It gave up waiting. */
  withdrawn(invocation: I): void;
  /** It waited as long as it may; the host refuses it or lets it wait on. */
  expired(invocation: I): void;
  /** Its instance is done with it. `ok`: it was answered. `lost`: the instance is dead. */
  released(slot: InstanceSlot, nowMs: number, outcome: "ok" | "failed" | "lost"): void;
  /** Its instance may be stuck: check, and replace it if so. */
  suspect(slot: InstanceSlot): void;
  /** Its instance never confirmed a cancel: replace it. */
  condemn(slot: InstanceSlot, exit: InstanceExit): void;
}
