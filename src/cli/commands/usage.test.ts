import { expect, test } from "bun:test";
import { createFakeServer } from "../fake-server.ts";
import { runInTerminal } from "../run-in-terminal.ts";

const sums = {
  invocations: 3,
  cold_starts: 1,
  run_ms: 1500,
  vcpu_ms: 3000,
  gb_s: 0.375,
  bytes_in: 12,
  bytes_out: 3_400_000,
};
const range = {
  since: "2026-11-01T00:00:00.000Z",
  until: "2026-11-21T11:00:00.000Z",
  complete_since: "2026-10-01T00:00:00.000Z",
  records_dropped: 0,
};
const steps = [{ at: "2026-11-20T00:00:00.000Z", ...sums }];
const hello = { function_id: "fn_1", function: "hello", deleted: false, ...range };
const line = "3 +1 +1\\.500 s +3000\\.000 +0\\.375000 +12 B +3\\.4 MB";

test("usage NAME sums one function and says of which time", async () => {
  const server = createFakeServer({
    "GET /api/v1/functions/hello/usage": () => Response.json({ ...hello, total: sums, steps }),
  });
  const argv = ["usage", "hello", "--since", "2026-11-01T00:00:00Z", "--until", "2026-11-21"];
  const { code, stdout, stderr } = await runInTerminal(argv, { server });
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^hello +${line}$`, "m"));
  expect(stderr).toContain("From 2026-11-01T00:00:00Z to 2026-11-21T11:00:00Z");
  expect(stderr).not.toContain("missing");
  const query = new URLSearchParams(server.requests[0]?.line.split("?")[1]);
  expect(Object.fromEntries(query)).toEqual({
    since: "2026-11-01T00:00:00.000Z",
    until: "2026-11-21T00:00:00.000Z",
  });
});

test("usage NAME --step shows each step and the whole", async () => {
  const server = createFakeServer({
    "GET /api/v1/functions/hello/usage": () => Response.json({ ...hello, total: sums, steps }),
  });
  const { stdout } = await runInTerminal(["usage", "hello", "--step", "day"], { server });
  expect(stdout).toMatch(new RegExp(`^2026-11-20T00:00:00Z +${line}\ntotal +${line}$`, "m"));
  expect(server.requests[0]?.line).toContain("step=day");
});

test("usage sums the functions of the project over all pages, and says what is missing", async () => {
  const late = { ...range, complete_since: "2026-11-10T00:00:00.000Z", records_dropped: 7 };
  const item = (name: string, deleted = false) => ({ ...sums, ...hello, function: name, deleted });
  const server = createFakeServer({
    "GET /api/v1/usage": (request) => {
      const { searchParams } = new URL(request.url);
      return searchParams.get("cursor") === "a"
        ? Response.json({ ...late, items: [item("b", true)], next_cursor: null })
        : Response.json({ ...late, items: [item("a")], next_cursor: "a" });
    },
  });
  const { stdout, stderr } = await runInTerminal(["usage", "--since", "24h"], { server });
  expect(stdout).toMatch(new RegExp(`^a +${line}$`, "m"));
  expect(stdout).toMatch(new RegExp(`^b \\(deleted\\) +${line}$`, "m"));
  expect(stdout).toMatch(/^total +6 +2 +3\.000 s +6000\.000 +0\.750000 +24 B +6\.8 MB$/m);
  expect(stderr).toContain("before 2026-11-10T00:00:00Z may be missing");
  expect(stderr).toContain("7 invocations are in no sum");
  const json = await runInTerminal(["usage", "--json"], { server });
  expect(JSON.parse(json.stdout)).toMatchObject({
    since: range.since,
    items: [{ function: "a" }, { function: "b" }],
    total: { invocations: 6, vcpu_ms: 6000 },
  });
});

test.each([
  [["usage", "--step", "day"], "name the function"],
  [["usage", "hello", "--since", "yesterday"], "--since"],
  [["usage", "hello", "--step", "week"], "week"],
])("%p is refused with what it needs", async (argv, told) => {
  const server = createFakeServer({});
  const { code, stderr } = await runInTerminal(argv, { server });
  expect(code).toBe(2);
  expect(stderr).toContain(told);
  expect(server.requests).toEqual([]);
});
