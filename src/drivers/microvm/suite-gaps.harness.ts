import type { LogBudget } from "../process/log-meter.ts";

/** Cases of the drivers' suite that ask for what a machine does not have. */
export const microvmGaps = {
  "a CPU quota is held as a share of the time":
    "a machine has whole processors: a manifest that asks for a part is refused (parse-manifest.test.ts); clones.test.ts shows how many it has",
};

/**
 * An emulated machine writes a few MB of lines a second, which is less than what an instance may log.
 * So the flood is a twentieth of what it is for processes, and this a part of their budget.
 */
export const microvmLogBudget: LogBudget = {
  linesPerSecMax: 100_000,
  bytesPerSecMax: 128 * 1024,
  burstSecs: 8,
};

export const microvmSuite = {
  // Emulated machines compute some ten times slower.
  deadlineMs: 60_000,
  memoryMbMin: 128,
  // 16 MiB before the 64 that are measured.
  warmStreams: 4,
  manyRequests: 500,
  manyStarts: 6,
  floodLines: 10_000,
  floodLinesPerSec: 312,
  // A machine's kernel rather takes memory that it never used than what it has just been given back.
  collectorNoiseMb: 16,
};
