import { expect, test } from "bun:test";
import { createFakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const at = "2026-11-21T01:02:03.456Z";

async function shown(runtime: object): Promise<string> {
  const server = createFakeServer({
    "GET /api/v1/functions/hello/runtime": () => Response.json(runtime),
  });
  const { code, stdout, stderr } = await runInTerminal(["runtime", "get", "hello"], { server });
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

const idle = {
  function_id: "fn_1",
  state: "idle",
  tier: { level: 1, name: "sandbox" },
  min_tier: null,
  running: 0,
  waiting: 0,
  instances: [],
  last_failure: null,
  egress: { denied: 0, recent: [] },
};

test("runtime get of an idle function is a sheet", async () => {
  expect(await shown(idle)).toBe(
    "state          idle\ntier           1 (sandbox)\nrunning        0\nwaiting        0\negress denied  0\n",
  );
});

test("runtime get shows instances, the last failure and what egress denied, without control characters", async () => {
  const text = await shown({
    ...idle,
    state: "active",
    instances: [
      {
        id: "ins_1",
        deployment_id: "dep_1",
        revision: 3,
        state: "ready",
        tier: 1,
        running: 1,
        served: 7,
      },
    ],
    last_failure: { deployment_id: "dep_1", reason: "exited with code 3", message: "m", at },
    egress: {
      denied: 12,
      recent: [
        {
          host: "10.0.0.1\u001b[31m",
          port: 80,
          reason: "private_address",
          message: "it is private",
          count: 12,
          last_at: at,
        },
        {
          host: "db.internal",
          port: null,
          reason: "not_allowed",
          message: "not named",
          count: 1,
          last_at: at,
        },
      ],
    },
  });
  expect(text).toMatch(/last failure +2026-11-21T01:02:03Z it exited with code 3/);
  expect(text).toMatch(/ins_1 +@3 +ready +1 +7/);
  expect(text).toMatch(/10\.0\.0\.1\S* +80 +12 +2026-11-21T01:02:03Z +it is private/);
  expect(text).toMatch(/db\.internal +- +1 /);
  expect(text).not.toContain("\u001b");
});
