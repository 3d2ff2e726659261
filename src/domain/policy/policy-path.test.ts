import { describe, expect, test } from "bun:test";
import { compilePolicy } from "./compile-policy.ts";
import { anonymousPolicyCaller, type PolicyFacts } from "./policy-facts.ts";
import { spellingsOf } from "./path-spellings.harness.ts";
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
