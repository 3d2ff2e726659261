import type { SimulationClock } from "./simulation-clock.ts";

/** Moves time on until the work has ended; false when it has not after `stepsMax` steps. Never rejects. */
export async function advanceUntil(
  clock: SimulationClock,
  work: Promise<unknown>,
  { stepMs, stepsMax }: { readonly stepMs: number; readonly stepsMax: number },
): Promise<boolean> {
  const state = { over: false };
  const end = (): void => void (state.over = true);
  work.then(end, end);
  for (let steps = 0; steps < stepsMax && !state.over; steps++) await clock.advance(stepMs);
  return state.over;
}
