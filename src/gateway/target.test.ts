import { describe, expect, test } from "bun:test";
import { testFunction, testPlan } from "../serving/plan-builder.harness.ts";
import { RouteTable } from "../serving/route-table.ts";
import { createHosts } from "./hosts.ts";
import { findTarget, type Target } from "./target.ts";

const routes = new RouteTable(
  testPlan([
    testFunction({ name: "hello", revisions: [2, 1] }),
    testFunction({
      name: "my_fn",
      project: "shop",
      aliases: { production: [[1, 100]], beta: [[1, 100]] },
    }),
  ]),
);
const hosts = createHosts({ functionsDomain: "fn.localhost", routesDomain: "localhost" });

function find(url: string, host = "127.0.0.1:8080", project?: string): Target {
  const headers = { project, origin: undefined, requestedMethod: undefined };
  return findTarget({ method: "GET", url, host: hosts(host), headers, routes });
}

/** `name@rev prefix path`, or the kind, or the error's code. */
function shown(target: Target): string {
  if (target.kind === "refused") return target.error.code;
  if (target.kind !== "function") return target.kind;
  return `${target.route.targets[0]?.label} ${target.prefix || "-"} ${target.path}`;
}

describe("findTarget() on a shared host", () => {
  const table: [string, string][] = [
    ["/fn/v1/hello", "hello@2 /fn/v1/hello /"],
    ["/fn/v1/hello/", "hello@2 /fn/v1/hello /"],
    ["/fn/v1/hello?x=1", "hello@2 /fn/v1/hello /?x=1"],
    ["/fn/v1/hello/a/b?x=/../y", "hello@2 /fn/v1/hello /a/b?x=/../y"],
    ["/fn/v1/hello/a%2fb", "hello@2 /fn/v1/hello /a%2fb"],
    ["/fn/v1/hello//a", "hello@2 /fn/v1/hello //a"],
    ["/fn/v1/hello/.well-known/x", "hello@2 /fn/v1/hello /.well-known/x"],
    ["/fn/v1/hello/...", "hello@2 /fn/v1/hello /..."],
    ["/fn/v1/hello@1/x", "hello@1 /fn/v1/hello@1 /x"],
    ["/fn/v1/hello@production", "hello@2 /fn/v1/hello@production /"],
    ["/fn/v1/shop:my_fn/x", "my_fn@1 /fn/v1/shop:my_fn /x"],
    ["/fn/v1/health", "health"],
    ["/fn/v1/_admin/functions", "other"],
    ["/fn/v1/", "other"],
    ["/fn/v1", "other"],
    ["/", "other"],
    ["/api/v1/functions", "other"],
    ["/FN/v1/hello", "other"],
    ["//fn/v1/hello", "other"],
    ["/fn//v1/hello", "other"],
    ["/fn/v1/nope", "function_not_found"],
    ["/fn/v1/my_fn", "function_not_found"],
    ["/fn/v1/hello@9", "deployment_not_found"],
    ["/fn/v1/hello@beta", "alias_not_found"],
  ];
  for (const [url, expected] of table) {
    test(`${url} is ${expected}`, () => expect(shown(find(url))).toBe(expected));
  }
});

describe("spellings that try to reach something else", () => {
  const spellings = [
    "/fn/v1/%5fadmin/functions",
    "/fn/v1/%5Fadmin",
    "/fn/v1/..%2f_admin",
    "/fn/v1/..",
    "/fn/v1/../../api/v1/keys",
    "/fn/v1/./_admin",
    "/fn/v1/%2e%2e/_admin",
    "/fn/v1/hello%2f..%2f_admin",
    "/fn/v1/hello/../_admin",
    "/fn/v1/hello/..",
    "/fn/v1/hello/.",
    "/fn/v1/hello/%2e%2E/x",
    "/fn/v1/hello/.%2e/x",
    "/fn/v1/hello/a/./b",
    "/fn/v1/hello/..?x",
    "/fn/v1/hello\\..\\_admin",
    "/fn/v1/hello/\\..\\x",
    "/fn/v1/hello/x#y",
    "/fn/v1/hello/\u00e9",
    "/fn/v1/hello/\u0100",
    "/fn/v1/hello/\t",
    "/fn/v1/hello/a b",
    "/fn/v1/HELLO",
    "/fn/v1/hello;x=1",
    "/fn/v1/hello%00",
    "/fn/v1/hello@",
    "/fn/v1/hello@@2",
    "/fn/v1/hello@2@1",
    "/fn/v1/hello@02",
    "/fn/v1/hello@+2",
    "/fn/v1/hello@2.0",
    "/fn/v1/default:default:hello",
    "/fn/v1/:hello",
    "/fn/v1/Shop:my_fn",
    "/fn/v1/constructor",
    "/fn/v1/hello\u0000",
  ];
  for (const url of spellings) {
    test(`${JSON.stringify(url)} reaches no function and no admin route`, () => {
      expect(shown(find(url))).toMatch(
        /^(function_not_found|invalid_request|deployment_not_found|alias_not_found)$/,
      );
    });
  }
});

describe("findTarget() on function hosts", () => {
  const table: [string, string, string | undefined, string][] = [
    ["hello.fn.localhost", "/x?y", undefined, "hello@2 - /x?y"],
    ["HELLO.fn.LOCALHOST:8080", "/", undefined, "hello@2 - /"],
    ["hello.fn.localhost.", "/", undefined, "hello@2 - /"],
    ["my-fn.fn.localhost", "/", "shop", "my_fn@1 - /"],
    ["beta--my-fn.fn.localhost", "/", "shop", "my_fn@1 - /"],
    ["my-fn.fn.localhost", "/", undefined, "function_not_found"],
    ["my_fn.fn.localhost", "/", "shop", "function_not_found"],
    ["nope--my-fn.fn.localhost", "/", "shop", "alias_not_found"],
    ["a.hello.fn.localhost", "/", undefined, "function_not_found"],
    ["a--b--hello.fn.localhost", "/", undefined, "function_not_found"],
    [
      "hello.fn.localhost",
      "/fn/v1/_admin/functions",
      undefined,
      "hello@2 - /fn/v1/_admin/functions",
    ],
    ["hello.fn.localhost", "/fn/v1/health", undefined, "hello@2 - /fn/v1/health"],
    ["hello.fn.localhost", "/../x", undefined, "invalid_request"],
    ["hello.fn.localhost", "http://hello.fn.localhost/x", undefined, "invalid_request"],
    ["fn.localhost", "/fn/v1/hello", undefined, "hello@2 /fn/v1/hello /"],
    ["xfn.localhost", "/", undefined, "other"],
  ];
  for (const [host, url, project, expected] of table) {
    test(`${host} ${url} ${project ?? ""} is ${expected}`, () => {
      expect(shown(find(url, host, project))).toBe(expected);
    });
  }

  for (const host of [
    "a b",
    "a/b",
    "a@b",
    "a\r\nb",
    "",
    "[::1",
    "a:123456",
    "ü.fn.localhost",
    "a,b",
  ]) {
    test(`${JSON.stringify(host)} is no host`, () => expect(hosts(host).host).toBeUndefined());
  }

  test("an IPv6 address with a port is a host", () => {
    expect(hosts("[::1]:8080").host).toBe("[::1]:8080");
  });
});
