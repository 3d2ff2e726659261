import { describe, expect, test } from "bun:test";
import { ReactorError } from "../errors.ts";
import { compilePolicy, type PolicyVerdict } from "./compile-policy.ts";
import type { PolicyFacts } from "./policy-facts.ts";
import type { PolicyRule } from "./policy-rule.ts";

const facts: PolicyFacts = {
  method: "POST",
  target: "/orders/7?tag=a&q=%20b",
  host: "api.example.com",
  scheme: "https",
  ip: "192.0.2.7",
  headers: ["X-Tenant", "acme", "Accept", "a", "accept", "b"],
  caller: {
    kind: "jwt",
    id: "ann",
    name: "",
    claims: { roles: ["admin", "dev"], level: 3, org: { id: "o1" } },
  },
  function: { name: "hello", project: "default" },
  alias: "production",
  nowMs: Date.parse("2026-07-01T10:30:00Z"),
};
const seven = { id: "dep_7", revision: 7, runtime: "bun" };
const eight = { id: "dep_8", revision: 8, runtime: "bun" };

function ask(rule: PolicyRule, changes: Partial<PolicyFacts> = {}): PolicyVerdict {
  return compilePolicy(rule)({ ...facts, ...changes }, [seven]);
}

function cel(expression: string, changes: Partial<PolicyFacts> = {}): PolicyVerdict {
  return ask({ kind: "cel", expression }, changes);
}

function refusal(rule: PolicyRule): ReactorError {
  try {
    compilePolicy(rule);
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

test("a method rule compares methods as they are written", () => {
  const rule: PolicyRule = { kind: "method", methods: ["GET", "POST"] };
  const verdicts = ["GET", "POST", "HEAD", "get"].map((method) => ask(rule, { method }).holds);
  expect(verdicts).toEqual([true, true, false, false]);
});

test.each([
  ["exact", "/orders/7", true],
  ["exact", "/orders", false],
  ["exact", "/orders/7/", false],
  ["prefix", "/orders", true],
  ["prefix", "/order", false],
  ["prefix", "/", true],
  ["glob", "/orders/*", true],
  ["glob", "/*", false],
] as const)("a path rule: %s %s holds: %p", (match, path, holds) => {
  expect(ask({ kind: "path", match, paths: [path] }).holds).toBe(holds);
});

describe("an expression sees", () => {
  test.each([
    'request.method == "POST" && request.path == "/orders/7"',
    'request.host == "api.example.com" && request.scheme == "https"',
    'request.ip.startsWith("192.0.2.")',
    'request.headers["x-tenant"] == "acme" && request.headers.accept == "a, b"',
    '"x-tenant" in request.headers && !has(request.headers.nope)',
    'request.query.tag == "a" && request.query["q"] == " b"',
    'request.path.glob("/orders/*")',
    'caller.kind == "jwt" && caller.id == "ann"',
    '"admin" in caller.claims.roles && caller.claims.roles.exists(r, r.startsWith("de"))',
    'caller.claims.level == 3 && caller.claims.org.id == "o1"',
    'function.name == "hello" && function.project == "default"',
    'deployment.revision == 7 && deployment.id == "dep_7" && deployment.alias == "production"',
    'now.getHours("Europe/Berlin") == 12 && now.getHours() == 10 && now.getDayOfWeek("UTC") == 3',
    'now > timestamp("2026-01-01T00:00:00Z") && now - timestamp("2026-07-01T10:00:00Z") == duration("30m")',
    '"function" == "function" // function in a text and a comment stays',
  ])("%s", (expression) => expect(cel(expression)).toMatchObject({ holds: true, error: false }));
});

test("an expression must be true for each deployment that may answer", () => {
  const rule = compilePolicy({ kind: "cel", expression: "deployment.revision > 7" });
  expect(rule(facts, [eight]).holds).toBe(true);
  expect(rule(facts, [eight, seven]).holds).toBe(false);
});

describe("an expression that cannot be evaluated does not hold", () => {
  test.each([
    ["a header that is not there", 'request.headers["nope"] != "x"', {}],
    ["a claim that is not there", 'caller.claims.nope != "x"', {}],
    ["a claim of another kind", "caller.claims.level.exists(x, x == 1)", {}],
    ["a property of objects", 'caller.claims.constructor != "x"', {}],
    ["a division by zero", "1 / (deployment.revision - 7) == 0", {}],
    ["a path with two readings", 'request.path != "/admin"', { target: "/x%2f..%2fadmin" }],
    ["a parameter given twice", 'request.query.a != "x"', { target: "/?a=1&a=2" }],
    [
      "more parameters than rules go through",
      'request.query.a1 == "1"',
      { target: `/?${Array.from({ length: 300 }, (_, i) => `a${i}=1`).join("&")}` },
    ],
  ])("%s", (_, expression, changes) => {
    expect(cel(expression, changes)).toMatchObject({ holds: false, error: true });
  });

  test("but what it does not look at does not matter", () => {
    expect(cel('request.method == "POST"', { target: "/x%2f..?a=1&a=2" }).holds).toBe(true);
  });
});

describe("a bad expression is refused with its place", () => {
  test.each([
    ["request.method ==", 1, 18, "Unexpected token"],
    ["true\n  && nope", 2, 6, "Unknown variable: nope"],
    ["request.foo == 1", 1, 9, "No such key: foo"],
    ["request.method", 1, 1, "its result is string, must be bool"],
    ["caller.claims.ok", 1, 1, "its result is dyn, must be bool"],
    ['1 + "a" == 2', 1, 1, "no such overload"],
    ["Function.name == 1", 1, 1, "Unknown variable: Function"],
    ["function.nope == 1", 1, 10, "No such key: nope"],
    ['now.getHours("Mars/Phobos") == 1', 1, 14, "must be a time zone"],
    ["now.getHours(request.path) == 1", 1, 14, "must be written out"],
    ['duration(request.path) > duration("1h")', 1, 10, "must be written out"],
    ['timestamp("yesterday") < now', 1, 11, "must be a time"],
    ["request.path.contains(request.host)", 1, 23, "must be written out"],
  ])("%j", (expression, line, column, message) => {
    const error = refusal({ kind: "cel", expression });
    expect(error.code).toBe("invalid_request");
    expect(error.message).toContain(message);
    expect(error.details).toMatchObject({ line, column, pointer: "/rule/expression" });
  });

  test("and so is one that is too long", () => {
    const error = refusal({ kind: "cel", expression: `true || ${" ".repeat(5000)}false` });
    expect(error.message).toContain("at most");
    expect(error.message).toContain("characters");
  });

  test("and so are calls whose time nothing bounds", () => {
    for (const call of [
      '"aaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("(a+)+$")',
      'cel.bind(x, request.path, x == "/")',
      'request.path.split("/").size() > 1',
      '["a"].join(",") == "a"',
      'b"{}".json() == {}',
      "now.getDayOfYear() == 1",
      "type(1) == int",
    ]) {
      expect(refusal({ kind: "cel", expression: call }).message).toContain("is not available");
    }
  });
});

describe("an expression that may take too long is refused", () => {
  const loop = "caller.claims.a.all(x, caller.claims.b.all(y, x == y))";
  test.each([
    ["a loop in a loop over what comes with the request", loop, "steps, at most 20000"],
    ["too many characters", `true || "${"x".repeat(3000)}" == ""`, "characters, at most 2048"],
    ["too many parts", Array.from({ length: 300 }, () => "true").join("||"), "maxAstNodes"],
    ["too deep", `${"(".repeat(40)}true${")".repeat(40)}`, "maxDepth"],
    ["too long a list", `1 in [${"1,".repeat(200)}1]`, "maxListElements"],
    ["too many negations", `${"!".repeat(1000)}true`, "maxAstNodes"],
  ])("%s", (_, expression, message) => {
    expect(refusal({ kind: "cel", expression }).message).toContain(message);
  });

  test("while a loop in a loop over short lists is not", () => {
    const expression = '[1, 2].all(x, ["a", "b"].all(y, request.path.startsWith(y) || x > 0))';
    expect(cel(expression).holds).toBe(true);
  });
});

describe("a bad rule of another kind is refused with its place", () => {
  const zone = { kind: "time_window", days: undefined, timezone: "UTC" } as const;
  test.each<[string, PolicyRule]>([
    ["/rule/methods", { kind: "method", methods: [] }],
    ["/rule/methods", { kind: "method", methods: ["post"] }],
    ["/rule/methods", { kind: "method", methods: ["GET\r\nX: y"] }],
    ["/rule/paths", { kind: "path", match: "exact", paths: ["admin"] }],
    ["/rule/paths", { kind: "path", match: "exact", paths: ["/%61dmin"] }],
    ["/rule/paths", { kind: "path", match: "exact", paths: ["/a//b"] }],
    ["/rule/paths", { kind: "path", match: "prefix", paths: ["/a/../b"] }],
    ["/rule/paths", { kind: "path", match: "exact", paths: [`/${"a".repeat(300)}`] }],
    ["/rule/paths", { kind: "path", match: "glob", paths: [`/${"*a".repeat(9)}`] }],
    ["/rule/paths", { kind: "path", match: "exact", paths: Array.from({ length: 33 }, () => "/") }],
    ["/rule/timezone", { ...zone, hours: undefined, timezone: "Mars/Phobos" }],
    ["/rule/hours", { ...zone, hours: ["9-5"] }],
    ["/rule/hours", { ...zone, hours: ["09:00-09:00"] }],
  ])("%s", (pointer, rule) => {
    expect(refusal(rule)).toMatchObject({ code: "invalid_request", details: { pointer } });
  });
});
