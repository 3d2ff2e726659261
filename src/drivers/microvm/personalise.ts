import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ControlPort } from "./control-port.ts";

/** What the kernel's generator is seeded with again. */
const entropyBytes = 64;
const machineIdBytes = 16;
const nameBytes = 6;
const clockTellsMax = 5;
/** How long telling the time takes an emulated machine that has done it before. */
const tellMs = 5;
/**
 * Long before any clone's: generators of random numbers that look at the clock draw anew when it leaps.
 * It is what a machine's clock says when it boots.
 */
export const restMs = Date.UTC(2020, 0, 1);
/** What a machine's agent makes its /tmp of by itself. */
export const tmpBytesOfAgent = 64 * 1024 * 1024;

export interface PersonaliseOptions {
  readonly clock: Pick<Clock, "now" | "monotonicMs">;
  readonly random: Pick<Random, "bytes">;
  /** Size of its /tmp. */
  readonly tmpBytesMax: number;
}

/**
 * Gives a clone what no two machines may share: randomness, a machine id, a host name, and the time,
 * which the template had wrong by years, so that every generator in it that looks at the clock seeds
 * itself again. Nothing of a tenant may reach the machine before this is done.
 */
export async function personalise(
  control: ControlPort,
  { clock, random, tmpBytesMax }: PersonaliseOptions,
): Promise<void> {
  await Promise.all([
    control.send("entropy", hex(random, entropyBytes)),
    control.send("machine-id", hex(random, machineIdBytes)),
    control.send("hostname", `function-${hex(random, nameBytes)}`),
    ...(tmpBytesMax === tmpBytesOfAgent ? [] : [control.send("tmp", String(tmpBytesMax))]),
    // Late by all of this, and it makes whatever looks at the clock busy.
    setClock(control, clock.now()),
  ]);
  await tellTime(control, clock);
}

/**
 * Does in a machine that is to be copied what is done in each copy, so that none of it is done for the
 * first time there, and leaves nothing of a clone's behind.
 */
export async function rehearsePersonalising(
  control: ControlPort,
  clock: PersonaliseOptions["clock"],
): Promise<void> {
  await personalise(control, {
    clock: { now: () => restMs, monotonicMs: () => clock.monotonicMs() },
    random: { bytes: (count) => new Uint8Array(count) },
    tmpBytesMax: tmpBytesOfAgent,
  });
}

/**
 * Sets the clock ahead by more than telling it took the last time, until that was enough: a machine
 * that is a little early is better than one that is late, whose requests would have more time left
 * than their deadline gives.
 */
async function tellTime(control: ControlPort, clock: PersonaliseOptions["clock"]): Promise<void> {
  let aheadMs = tellMs;
  for (let told = 0; told < clockTellsMax; told++) {
    const askedMs = clock.monotonicMs();
    await setClock(control, clock.now() + aheadMs);
    const tookMs = clock.monotonicMs() - askedMs;
    if (tookMs <= aheadMs) return;
    aheadMs = 2 * tookMs;
  }
}

function setClock(control: ControlPort, nowMs: number): Promise<void> {
  return control.send("clock", (nowMs / 1000).toFixed(6));
}

function hex(random: PersonaliseOptions["random"], bytes: number): string {
  return Buffer.from(random.bytes(bytes)).toString("hex");
}
