import { expect, test } from "bun:test";
import { defaultManifestQueue } from "../../domain/manifest-queue.ts";
import type { CatchUp } from "../../domain/schedule.ts";
import { QueueBench } from "./queue.harness.ts";

/** The bench's clock starts at 2023-11-14T22:13:20Z, 46 min 40 s before the next full hour. */
const toFirstHourMs = 2_800_000;
const hourMs = 3_600_000;

const hourly = (catchUp: CatchUp = "skip", enabled = true) => ({
  enabled,
  manifest: {
    queue: {
      ...defaultManifestQueue,
      schedules: [{ cron: "0 * * * *", timezone: "UTC", payload: '{"n":1}', catchUp }],
    },
  },
});

interface Scheduled {
  readonly bench: QueueBench;
  /** Hours of the ticks that ran. */
  readonly ticks: string[];
}

async function open(catchUp?: CatchUp): Promise<Scheduled> {
  const bench = await QueueBench.open([hourly(catchUp)]);
  const ticks: string[] = [];
  bench.serving.driver.handler = (call) => {
    ticks.push(call.header("x-reactor-scheduled-at")?.slice(11, 16) ?? "none");
    expect([call.body, call.head.method]).toEqual(['{"n":1}', "POST"]);
    call.respond(200, []);
  };
  await bench.until("the schedule is known", async () => {
    return (await bench.store.read((reader) => reader.scheduleTicks())).length === 1;
  });
  return { bench, ticks };
}

const rest = (bench: QueueBench) => async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) {
    await bench.serving.clock.advance(0);
    await Bun.sleep(0);
  }
};

test("a tick runs once, at its time, with the payload", async () => {
  const { bench, ticks } = await open();
  await using _ = bench;
  const settle = rest(bench);
  await bench.serving.clock.advance(toFirstHourMs - 1);
  await settle();
  expect(ticks).toEqual([]);
  await bench.serving.clock.advance(1);
  await bench.until("it ran", () => ticks.length === 1);
  await bench.serving.clock.advance(59 * 60_000);
  await settle();
  expect(ticks).toEqual(["23:00"]);
  await bench.serving.clock.advance(60_000);
  await bench.until("the next ran", () => ticks.length === 2);
  expect(ticks).toEqual(["23:00", "00:00"]);
});

test.each([
  ["skip", ["02:00"]],
  ["once", ["01:00", "02:00"]],
  ["all", ["23:00", "00:00", "01:00", "02:00"]],
] as const)("ticks that a stopped server missed: %s", async (catchUp, wanted) => {
  const { bench, ticks } = await open(catchUp);
  await using _ = bench;
  await bench.queue.close();
  await bench.serving.clock.advance(toFirstHourMs + 2 * hourMs + 30 * 60_000);
  await bench.restart();
  await rest(bench)();
  await bench.serving.clock.advance(30 * 60_000);
  await bench.until("they ran", () => ticks.length >= wanted.length);
  await rest(bench)();
  expect(ticks.toSorted()).toEqual([...wanted].toSorted());
});

test("a kill before or after the tick's commit brings it once all the same", async () => {
  for (const at of ["commit_before", "commit_after"] as const) {
    const { bench, ticks } = await open();
    await using _ = bench;
    bench.store.fail({ at, nth: 1 });
    await bench.serving.clock.advance(toFirstHourMs);
    await bench.until("the fault strikes", () => bench.store.struck === 1);
    await bench.restart();
    await bench.until("it ran", () => ticks.length === 1);
    await bench.serving.clock.advance(10_000);
    await rest(bench)();
    expect(ticks).toEqual(["23:00"]);
  }
});

test("a schedule that is taken out and comes back begins anew", async () => {
  const { bench, ticks } = await open("all");
  await using _ = bench;
  bench.apply([{}]);
  await bench.until("it is forgotten", async () => {
    return (await bench.store.read((reader) => reader.scheduleTicks())).length === 0;
  });
  await bench.serving.clock.advance(toFirstHourMs + hourMs);
  bench.apply([hourly("all")]);
  await rest(bench)();
  expect(ticks).toEqual([]);
  await bench.serving.clock.advance(hourMs);
  await bench.until("it ran", () => ticks.length === 1);
  expect(ticks).toEqual(["01:00"]);
});

test("a disabled function's ticks do not run; enabled again it catches up as its rule says", async () => {
  const { bench, ticks } = await open("once");
  await using _ = bench;
  bench.apply([hourly("once", false)]);
  await bench.serving.clock.advance(toFirstHourMs + hourMs + 30 * 60_000);
  await rest(bench)();
  expect(ticks).toEqual([]);
  bench.apply([hourly("once")]);
  await bench.until("it ran", () => ticks.length === 1);
  expect(ticks).toEqual(["00:00"]);
});
