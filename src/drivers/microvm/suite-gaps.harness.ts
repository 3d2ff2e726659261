const slow =
  "an emulated machine carries a few MB a second; clones.test.ts shows it with a tenth of the length";

/** Cases of the drivers' suite that take minutes in an emulated machine, or ask for what a machine does not have. */
export const microvmGaps = {
  "64 MiB stream in while memory grows by at most 8 MiB": slow,
  "64 MiB stream out while memory grows by at most 8 MiB": slow,
  "64 MiB stream both ways at once while memory grows by at most 8 MiB": slow,
  "a log flood is bounded, and what is dropped is counted": slow,
  "a log flood is not kept whole": slow,
  "a CPU quota is held as a share of the time":
    "a machine has whole processors; clones.test.ts shows how many",
};

export const microvmSuite = {
  // Emulated machines compute some ten times slower.
  deadlineMs: 60_000,
  memoryMbMin: 128,
};
