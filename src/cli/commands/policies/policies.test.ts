import { describe, expect, test } from "bun:test";
import { createFakeServer, errorResponse } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const time = "2026-11-21T01:02:03.456Z";
const policies = "/api/v1/functions/hello/policies";

/** Runs `policies create hello p …` and gives back the rule that was sent. */
async function created(...argv: string[]): Promise<unknown> {
  const server = createFakeServer({
    [`POST ${policies}`]: () =>
      Response.json(
        {
          id: "pol_1",
          function_id: "fn_1",
          name: "p",
          rule: { kind: "method", methods: ["POST"] },
          created_at: time,
        },
        { status: 201 },
      ),
  });
  const { code, stdout, stderr } = await runInTerminal(
    ["policies", "create", "hello", "p", ...argv],
    { server },
  );
  if (code !== 0) throw new Error(stderr);
  expect(stdout).toBe("Created policy p: method POST\n");
  return JSON.parse(server.requests[0]?.body.toString() ?? "").rule;
}

describe("reactor policies create sends", () => {
  test.each([
    [
      ["--method", "get,Post", "--method", "PUT"],
      { kind: "method", methods: ["GET", "POST", "PUT"] },
    ],
    [["--path", "/a", "--path", "/b"], { kind: "path", match: "exact", paths: ["/a", "/b"] }],
    [["--path", "/a/**", "--match", "glob"], { kind: "path", match: "glob", paths: ["/a/**"] }],
    [
      ["--days", "fri-mon,wed", "--hours", "09:00-12:00,13:00-17:00", "--timezone", "UTC"],
      {
        kind: "time_window",
        days: ["fri", "sat", "sun", "mon", "wed"],
        hours: ["09:00-12:00", "13:00-17:00"],
        timezone: "UTC",
      },
    ],
    [["--timezone", "UTC"], { kind: "time_window", timezone: "UTC" }],
    [["--cel", "true"], { kind: "cel", expression: "true" }],
  ])("%j", async (argv, rule) => expect(await created(...argv)).toEqual(rule));
});

test.each([
  [[]],
  [["--method", "GET", "--cel", "true"]],
  [["--days", "mon"]],
  [["--days", "monday", "--timezone", "UTC"]],
  [["--path", "/a", "--match", "regex"]],
])("reactor policies create refuses %j as wrongly used", async (argv) => {
  const server = createFakeServer({});
  const command = ["policies", "create", "hello", "p", ...argv];
  expect((await runInTerminal(command, { server })).code).toBe(2);
  expect(server.requests).toEqual([]);
});

describe("reactor policies test", () => {
  const answer = (admitted: boolean) => () =>
    Response.json({
      admitted,
      at: time,
      deployments: [],
      policies: [
        { name: "office", holds: true, error: false, because: "the time is right" },
        { name: "post", holds: admitted, error: false, because: "the method is GET" },
      ],
    });

  test("shows rule by rule what decided, and fails when it was denied", async () => {
    const server = createFakeServer({ [`POST ${policies}/test`]: answer(false) });
    const argv = ["policies", "test", "hello", "--method", "get", "--path", "/x?y=1"];
    argv.push("--at", "2026-01-01T10:00Z", "--header", "k=v", "--header", "A: b=c", "--ip", "::1");
    argv.push("--caller", '{"kind":"jwt","id":"ann","claims":{"a":[1]}}', "--alias", "beta");
    const { code, stdout } = await runInTerminal(argv, { server });
    expect(code).toBe(1);
    expect(stdout).toContain("post    does not hold  the method is GET");
    expect(stdout).toEndWith("Denied by policy post\n");
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({
      method: "GET",
      path: "/x?y=1",
      at: "2026-01-01T10:00:00.000Z",
      headers: [
        { name: "k", value: "v" },
        { name: "A", value: "b=c" },
      ],
      ip: "::1",
      alias: "beta",
      caller: { kind: "jwt", id: "ann", claims: { a: [1] } },
    });
  });

  test("ends with 0 when it would be admitted", async () => {
    const server = createFakeServer({ [`POST ${policies}/test`]: answer(true) });
    const { code, stdout } = await runInTerminal(["policies", "test", "hello"], { server });
    expect([code, stdout.trimEnd().split("\n").at(-1)]).toEqual([
      0,
      "Admitted: every policy of hello holds",
    ]);
  });

  test.each([
    ["--caller", "root"],
    ["--caller", "{"],
    ["--caller", '{"id":1}'],
    ["--header", "k"],
  ])("refuses %s %s as wrongly used", async (flag, value) => {
    const argv = ["policies", "test", "hello", flag, value];
    expect((await runInTerminal(argv, { server: createFakeServer({}) })).code).toBe(2);
  });
});

test("reactor policies list and get show rules in one line each", async () => {
  const rule = { kind: "time_window", days: ["mon"], timezone: "UTC" };
  const policy = { id: "pol_1", function_id: "fn_1", name: "office", rule, created_at: time };
  const server = createFakeServer({
    [`GET ${policies}`]: () => Response.json({ items: [policy] }),
    [`GET ${policies}/office`]: () => Response.json(policy),
    [`DELETE ${policies}/office`]: () => Response.json({ name: "office" }),
    [`GET ${policies}/nope`]: () => errorResponse(404, "not_found", "Cannot find policy"),
  });
  const run = (...argv: string[]) => runInTerminal(["policies", ...argv], { server });
  expect((await run("list", "hello")).stdout).toContain("office  mon all day UTC");
  expect((await run("get", "hello", "office")).stdout).toBe("office: mon all day UTC\n");
  expect((await run("delete", "hello", "office")).stdout).toBe("Removed policy office of hello\n");
  expect((await run("get", "hello", "nope")).code).toBe(1);
});
