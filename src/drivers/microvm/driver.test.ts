import { describe } from "bun:test";
import { driverSuite } from "../driver.suite.ts";
import { breachBySocket } from "../process/testing/breach-by-socket.ts";
import { pythonArtifact, pythonGaps } from "../python/scenario-artifact.harness.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { openTestMicrovms } from "./test-driver.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;

const slow =
  "an emulated machine carries a few MB a second; clones.test.ts shows it with a tenth of the length";

/** Cases that take minutes in an emulated machine, or ask for what a machine does not have. */
const gaps = {
  "64 MiB stream in while memory grows by at most 8 MiB": slow,
  "64 MiB stream out while memory grows by at most 8 MiB": slow,
  "64 MiB stream both ways at once while memory grows by at most 8 MiB": slow,
  "a log flood is bounded, and what is dropped is counted": slow,
  "a log flood is not kept whole": slow,
  "a CPU quota is held as a share of the time":
    "a machine has whole processors; clones.test.ts shows how many",
};

const common = {
  // Emulated machines compute some ten times slower.
  deadlineMs: 60_000,
  memoryMbMin: 128,
};

describe.if(microvmMissing === undefined)(`in microVMs${because}`, () => {
  const bun = openTestMicrovms("bun");
  driverSuite("bun-microvm", {
    ...common,
    create: async () => bun.harness({ breach: breachBySocket }),
    gaps,
  });

  const node = openTestMicrovms("node");
  driverSuite("node-microvm", {
    ...common,
    runtime: "node",
    create: async () => node.harness({ breach: breachBySocket }),
    gaps,
  });

  const python = openTestMicrovms("python");
  driverSuite("python-microvm", {
    ...common,
    runtime: "python",
    artifact: pythonArtifact,
    shape: "event",
    create: async () => python.harness({ breach: breachBySocket }),
    gaps: { ...gaps, ...pythonGaps },
  });
});
