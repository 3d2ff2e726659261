import { describe, expect, test } from "bun:test";
import { type Admission, type AdmissionLimits, admit, type Load } from "./admission.ts";

const idle: Load = {
  hasFreeSlot: false,
  running: 0,
  waitingForStart: 0,
  waiting: 0,
  instances: 0,
  starting: 0,
  startRefusal: undefined,
};
const limits: AdmissionLimits = {
  maxConcurrency: 50,
  maxInstances: 2,
  perInstance: 10,
  queueMs: 100,
  queuedMax: 5,
};

const table: [string, Partial<Load>, Partial<AdmissionLimits>, Admission][] = [
  ["the first request starts an instance", {}, {}, "start"],
  ["a free slot is reused", { hasFreeSlot: true, instances: 1 }, {}, "reuse"],
  [
    "a start with room is waited for",
    { instances: 1, starting: 1, waiting: 4, waitingForStart: 4 },
    {},
    "wait_for_start",
  ],
  [
    "a start without room means another start",
    { instances: 1, starting: 1, waiting: 3, waitingForStart: 3 },
    { perInstance: 3 },
    "start",
  ],
  ["busy instances mean another start", { instances: 1, running: 10 }, {}, "start"],
  ["at max_instances it queues", { instances: 2, running: 20 }, {}, "queue"],
  [
    "at max_instances without queue_ms it is refused",
    { instances: 2, running: 20 },
    { queueMs: 0 },
    "reject_instances",
  ],
  ["a full queue refuses", { instances: 2, running: 20, waiting: 5 }, {}, "reject_instances"],
  [
    "a full queue refuses even what could wait for a start",
    { instances: 1, starting: 1, waiting: 5, waitingForStart: 5 },
    {},
    "reject_instances",
  ],
  [
    "max_concurrency queues although a slot is free",
    { hasFreeSlot: true, instances: 2, running: 50 },
    {},
    "queue",
  ],
  [
    "max_concurrency counts those who wait for a start",
    { instances: 1, starting: 1, running: 0, waiting: 3, waitingForStart: 3 },
    { maxConcurrency: 3 },
    "queue",
  ],
  [
    "max_concurrency without queue_ms refuses",
    { hasFreeSlot: true, instances: 2, running: 50 },
    { queueMs: 0 },
    "reject_concurrency",
  ],
  [
    "a crash loop without instances refuses",
    { startRefusal: "crash_loop" },
    {},
    "reject_crash_loop",
  ],
  [
    "a crash loop beside a busy instance queues",
    { startRefusal: "crash_loop", instances: 1, running: 10 },
    {},
    "queue",
  ],
  ["a full fleet queues", { startRefusal: "instances_max" }, {}, "queue"],
  [
    "a full fleet without queue_ms refuses",
    { startRefusal: "instances_max" },
    { queueMs: 0 },
    "reject_instances",
  ],
];

describe("admit()", () => {
  for (const [name, load, change, expected] of table) {
    test(name, () => {
      expect(admit({ ...idle, ...load }, { ...limits, ...change })).toBe(expected);
    });
  }
});
