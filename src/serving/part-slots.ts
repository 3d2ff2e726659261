import type { Clock, Timer } from "../base/clock.ts";
import type { InstanceSlot } from "./instance-slot.ts";

/**
 * How long idle instances of a pool that drains are left alone: taking a process apart costs more
 * than the first request of what takes its place, which comes at the same moment.
 */
const partingMs = 100;

/**
 * Stops slots that are out of the choice: those that run something at once, idle ones a little later
 * unless somebody waits for their room or their end.
 */
export function partSlots(
  slots: readonly InstanceSlot[],
  clock: Clock,
  atOnce: boolean,
  stop: (slot: InstanceSlot) => void,
): Timer | undefined {
  const later = slots.filter(({ running }) => running === 0 && !atOnce);
  for (const slot of slots) if (!later.includes(slot)) stop(slot);
  return later.length === 0 ? undefined : clock.after(partingMs, () => later.forEach(stop));
}
