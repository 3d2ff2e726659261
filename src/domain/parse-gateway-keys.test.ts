import { describe, expect, test } from "bun:test";
import { ReactorError } from "./errors.ts";
import { defaultManifestCaps } from "./manifest-keys.ts";
import { parseManifest } from "./parse-manifest.ts";

const defaults = {
  name: "hello",
  runtime: "bun",
  isolation: "process",
  caps: defaultManifestCaps,
} as const;

function parse(json: unknown, routeByName = false) {
  return parseManifest(json, { ...defaults, routeByName });
}

function pointerOf(json: unknown, routeByName = false): unknown {
  try {
    parse(json, routeByName);
  } catch (error) {
    if (error instanceof ReactorError && error.code === "manifest_invalid") {
      return error.details["pointer"];
    }
    throw error;
  }
  return "taken";
}

describe("a route", () => {
  test("is absent unless written, and `/<name>` by POST where routes go by name", () => {
    expect(parse({}).route).toBeUndefined();
    expect(parse({}, true).route).toEqual({ path: "/hello", method: "POST" });
    expect(parse({ route: "/a/:b" }, true).route).toEqual({ path: "/a/:b", method: "POST" });
    expect(parse({ method: "GET" }, true).route).toEqual({ path: "/hello", method: "GET" });
  });

  test("needs a route for its method", () => {
    expect(pointerOf({ method: "GET" })).toBe("/method");
    expect(pointerOf({ route: "/a", method: "get" })).toBe("/method");
  });

  for (const path of ["/", "/a", "/a/b.c/~d_e-f", "/:id", "/todos/:id", "/fnord", "/apis", "/Hi"]) {
    test(`${path} is one`, () => expect(parse({ route: path }).route?.path).toBe(path));
  }

  for (const path of [
    "a",
    "//",
    "//a",
    "/a/",
    "/a//b",
    "/a b",
    "/a?b",
    "/a#b",
    "/%61",
    "/a/..",
    "/./a",
    "/:",
    "/:1",
    "/a:b",
    "/:a/:a",
    "/*",
    "/\u00e9",
    "/a\\b",
    `/${"a/".repeat(16)}a`,
    `/${"a".repeat(600)}`,
  ]) {
    test(`${JSON.stringify(path.slice(0, 40))} is none`, () =>
      expect(pointerOf({ route: path })).toBe("/route"));
  }

  for (const segment of [
    "fn",
    "api",
    "console",
    "deploy",
    "invoke",
    "delete",
    "scripts",
    "stats",
    "health",
    "metrics",
    "mcp",
    ".well-known",
    "favicon.ico",
    "API",
  ]) {
    test(`/${segment} is the server's own, alone and above others`, () => {
      expect(pointerOf({ route: `/${segment}` })).toBe("/route");
      expect(pointerOf({ route: `/${segment}/x` })).toBe("/route");
      expect(parse({ route: `/x/${segment}` }).route?.path).toBe(`/x/${segment}`);
    });
  }

  test("by name is refused for a name that the server uses itself", () => {
    const stats = { ...defaults, name: "stats", routeByName: true };
    expect(() => parseManifest({}, stats)).toThrow('the default route "/stats", must not start');
    expect(parseManifest({ route: "/numbers" }, stats).route?.path).toBe("/numbers");
  });
});

describe("cors", () => {
  test("has defaults that let a page send a key and JSON", () => {
    expect(parse({ cors: { origins: ["https://a.example"] } }).cors).toEqual({
      origins: ["https://a.example"],
      methods: undefined,
      headers: ["authorization", "content-type", "x-reactor-key"],
      exposeHeaders: ["retry-after", "x-request-id"],
      credentials: false,
      maxAgeSecs: 600,
    });
    expect(parse({}).cors).toBeUndefined();
  });

  test("takes every origin alone, and never with credentials", () => {
    expect(parse({ cors: { origins: ["*"] } }).cors?.origins).toEqual(["*"]);
    expect(pointerOf({ cors: { origins: ["*"], credentials: true } })).toBe("/cors/credentials");
    expect(pointerOf({ cors: { origins: ["*", "https://a.example"] } })).toBe("/cors/origins");
    const named = { origins: ["https://a.example"], credentials: true };
    expect(parse({ cors: named }).cors?.credentials).toBe(true);
  });

  test("without origins is refused, since nothing of it would hold", () => {
    expect(pointerOf({ cors: { credentials: true } })).toBe("/cors/origins");
    expect(pointerOf({ cors: { origins: [] } })).toBe("/cors/origins");
  });

  for (const origin of [
    "app.example.com",
    "https://App.example.com",
    "https://app.example.com/",
    "https://*.example.com",
    "https://user@app.example.com",
    "ftp://app.example.com",
    "null",
    "https://app.example.com\r\nX-A: 1",
  ]) {
    test(`${JSON.stringify(origin)} is no origin`, () =>
      expect(pointerOf({ cors: { origins: [origin] } })).toBe("/cors/origins/0"));
  }
});

test("a rate limit counts callers within a minute unless it says otherwise, and needs its number", () => {
  const limit = (json: unknown) => parse({ rate_limit: json }).rateLimit;
  expect(limit({ requests: 5 })).toEqual({ requests: 5, periodMs: 60_000, by: "caller" });
  expect(limit({ requests: 5, period_secs: 1, by: "address" })).toEqual({
    requests: 5,
    periodMs: 1000,
    by: "address",
  });
  expect(pointerOf({ rate_limit: { by: "address" } })).toBe("/rate_limit/requests");
  expect(pointerOf({ rate_limit: { requests: 0 } })).toBe("/rate_limit/requests");
});
