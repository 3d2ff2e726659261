import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const source = `export default async (request) => Response.json({
  got: await request.json(), at: request.headers.get("x-reactor-scheduled-at"),
});`;

/** What became of the function's queued invocations, oldest first. */
async function results(name: string): Promise<readonly { got: unknown; at: string }[]> {
  const { items } = await server.client.listQueuedInvocations({
    state: "succeeded",
    function: name,
  });
  const shown = await Promise.all(items.map(({ id }) => server.client.getInvocation(id)));
  return shown.map((one) => one.queued?.result?.body as { got: unknown; at: string }).toReversed();
}

test("a schedule of the manifest runs by itself, each tick once", async () => {
  await server.deploy("ticker", source, {
    access: "key",
    schedule: [{ cron: "* * * * * *", timezone: "Europe/Berlin", payload: { n: 1 } }],
  });
  await until("it ran three times", async () => (await results("ticker")).length >= 3);
  await server.client.updateFunction("ticker", { enabled: false });
  const ran = await results("ticker");
  expect(ran.map(({ got }) => got)).toEqual(ran.map(() => ({ n: 1 })));
  const ticks = ran.map(({ at }) => Date.parse(at));
  expect(new Set(ticks).size).toBe(ticks.length);
  expect(ticks.every((tick) => tick % 1000 === 0)).toBe(true);
});

test("schedules list shows the next runs, schedules run does not wait for them", async () => {
  // Half a day away, or the schedule itself would run while the test does.
  const hour = (new Date().getUTCHours() + 12) % 24;
  const time = `${String(hour).padStart(2, "0")}:00`;
  const cron = `0 ${hour} * * *`;
  await server.deploy("report", source, {
    schedule: [
      { cron, payload: { which: "daily" } },
      { cron: `0 ${hour} 1 * *`, timezone: "Europe/Berlin", catch_up: "once" },
    ],
  });
  const [daily, monthly] = await server.client.listSchedules({ function: "report" });
  expect(daily).toMatchObject({ cron, timezone: "UTC", catch_up: "skip" });
  expect(daily?.next_runs.map((next) => next.slice(11, 16))).toEqual([time, time, time]);
  expect(monthly).toMatchObject({ catch_up: "once", payload: {} });
  const listed = await server.cli("schedules", "list", "--function", "report");
  expect(listed.stdout).toMatch(
    new RegExp(`report +0 ${hour} \\* \\* \\* +UTC +skip +\\S+T${time}`),
  );
  expect((await server.cli("schedules", "run", "report", "--index", "0")).code).toBe(0);
  await until("it ran", async () => (await results("report")).length === 1);
  expect(await results("report")).toMatchObject([{ got: { which: "daily" } }]);
  expect((await server.cli("schedules", "run", "report", "--index", "2")).code).toBe(1);
});

test("a schedule that cannot be is refused at deploy, by its pointer", async () => {
  const wrong = [
    [{ cron: "61 * * * *" }, "/schedule/0/cron"],
    [{ cron: "0 8 * * *", timezone: "Mars/Base" }, "/schedule/0/timezone"],
    [{ cron: "0 8 * * *", catch_up: "never" }, "/schedule/0/catch_up"],
    [{ cron: "0 8 * * *", payloads: {} }, "/schedule/0/payloads"],
    [{ timezone: "UTC" }, "/schedule/0/cron"],
  ] as const;
  for (const [schedule, pointer] of wrong) {
    const failure = await server.deploy("wrong", source, { schedule: [schedule] }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "manifest_invalid", details: { pointer } });
  }
});
