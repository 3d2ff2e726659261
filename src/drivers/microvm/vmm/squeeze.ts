import type { Clock } from "../../../base/clock.ts";
import { linkAborts } from "../../process/linked-abort.ts";
import type { QmpClient, QmpEvent } from "./qmp-client.ts";

const bytesPerMb = 1024 * 1024;
/** What a machine is left with at most while its balloon is full. */
const leftMb = 32;
/** QEMU tells the balloon's size once a second while it changes; so this says that it stands. */
const standsAfterMs = 1_500;
/** How long it may go on in all. */
const squeezeMs = 15_000;

export interface SqueezeOptions {
  readonly qmp: QmpClient;
  readonly clock: Clock;
  readonly memoryMb: number;
  readonly signal: AbortSignal;
}

/**
 * Fills a machine's balloon as far as the machine lets it, which gives the host back every page that
 * is free or only caches a file, and empties it again.
 */
export async function squeeze(options: SqueezeOptions): Promise<void> {
  const { memoryMb } = options;
  try {
    await resizeTo(leftMb * bytesPerMb, options);
  } finally {
    await options.qmp.execute("balloon", { value: memoryMb * bytesPerMb });
  }
}

/** Resolves when the machine has the size, or its size has stopped changing. */
async function resizeTo(bytes: number, options: SqueezeOptions): Promise<void> {
  const { qmp, clock } = options;
  const untilMs = clock.monotonicMs() + squeezeMs;
  let change = nextSize(options, standsAfterMs);
  await qmp.execute("balloon", { value: bytes });
  for (;;) {
    const actual = await change;
    const leftMs = untilMs - clock.monotonicMs();
    if (actual === undefined || actual <= bytes || leftMs <= 0) return;
    change = nextSize(options, Math.min(standsAfterMs, leftMs));
  }
}

/** The machine's size when it changes; undefined when it does not in time. */
async function nextSize(
  { qmp, clock, signal }: SqueezeOptions,
  withinMs: number,
): Promise<number | undefined> {
  using linked = linkAborts([signal]);
  let isLate = false;
  const late = clock.after(withinMs, () => {
    isLate = true;
    linked.abort(new Error("the size stands"));
  });
  try {
    const isChange = ({ name }: QmpEvent): boolean => name === "BALLOON_CHANGE";
    const { data } = await qmp.event(isChange, linked.signal);
    return Number(data["actual"]);
  } catch (error) {
    if (isLate) return undefined;
    throw error;
  } finally {
    late.cancel();
  }
}
