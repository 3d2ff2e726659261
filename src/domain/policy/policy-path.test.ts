import { describe, expect, test } from "bun:test";
import { compilePolicy } from "./compile-policy.ts";
import { anonymousPolicyCaller, type PolicyFacts } from "./policy-facts.ts";
import { policyPath } from "./policy-path.ts";

function facts(target: string): PolicyFacts {
  return {
    method: "GET",
    target,
    host: "localhost",
    scheme: "http",
    ip: "127.0.0.1",
    headers: [],
    caller: anonymousPolicyCaller,
    function: { name: "hello", project: "default" },
    alias: "production",
    nowMs: 0,
  };
}

test.each([
  ["/", "/"],
  ["/a/b?x=/../c", "/a/b"],
  ["/%61dmin", "/admin"],
  ["/caf%C3%A9", "/café"],
  ["/a%20b/", "/a b/"],
  ["/...", "/..."],
  ["/100%25", "/100%"],
])("%s reads as %s", (target, path) => expect(policyPath(target)).toBe(path));

/** Ways to write `/admin` that some reader takes for it, or for another path. */
function spellingsOf(path: string): string[] {
  const [, name = ""] = path.split("/");
  const first = name.charCodeAt(0).toString(16);
  const rest = name.slice(1);
  const segments = [
    `%${first}${rest}`,
    `%${first.toUpperCase()}${rest}`,
    `%25${first}${rest}`,
    `${name};x=1`,
    `${name}%3b`,
    `${name}%00`,
    `${name}%0a`,
    `${name}%5c`,
    `%5c${name}`,
    `${name}%`,
    `%c1%a1${rest}`,
    `${name}%ef%bb%bf`,
    `${name}%e2%80%a8`,
    `%09${name}`,
  ];
  const around = (segment: string): string[] => [
    `/${segment}`,
    `//${segment}`,
    `/./${segment}`,
    `/%2e/${segment}`,
    `/x/../${segment}`,
    `/x/%2e%2e/${segment}`,
    `/x/.%2e/${segment}`,
    `/x%2f..%2f${segment}`,
    `/x%5c..%5c${segment}`,
    `/%2f${segment}`,
    `/${segment}/.`,
    `/${segment}/%2e`,
    `/${segment}//`,
    `/${segment}%2f`,
    `/${segment}?`,
    `/${segment}?a=/x`,
  ];
  return [name, ...segments].flatMap(around);
}

describe("path tricks", () => {
  const spellings = spellingsOf("/admin");

  test("there are at least 200 spellings", () => {
    expect(new Set(spellings).size).toBeGreaterThan(200);
  });

  test("none that decodes to /admin passes a rule that admits everything but it", () => {
    const rule = compilePolicy({ kind: "cel", expression: 'request.path != "/admin"' });
    for (const target of spellings) {
      const path = policyPath(target);
      const { holds } = rule(facts(target), [{ id: "d", revision: 1, runtime: "bun" }]);
      // Either it has one reading that is another path, or it is denied.
      expect([target, holds]).toEqual([target, path !== undefined && path !== "/admin"]);
      if (holds) expect(decodeURIComponent(target.split("?")[0] ?? "")).toBe(path ?? "");
    }
  });

  test("none reaches below a prefix from outside of it", () => {
    const rule = compilePolicy({ kind: "path", match: "prefix", paths: ["/public"] });
    for (const trick of spellings) {
      for (const target of [trick, `/public${trick}`, `/public/..${trick}`, `/publicity${trick}`]) {
        if (!rule(facts(target), []).holds) continue;
        // What a reader that decodes and resolves makes of it is still below the prefix.
        const bare = decodeURIComponent(target.split("?")[0] ?? "");
        expect(new URL(bare, "http://x").pathname.startsWith("/public/")).toBe(true);
      }
    }
  });
});
