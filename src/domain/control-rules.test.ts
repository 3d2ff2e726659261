import { expect, test } from "bun:test";
import type { Caller } from "./caller.ts";
import { declaredEnv, missingEnvKeys, resolveEnv } from "./declared-env.ts";
import type { EnvRecord, PromotionRecord } from "./function.ts";
import { defaultManifestCaps } from "./manifest-keys.ts";
import { nearestKey, typoDistance } from "./nearest-key.ts";
import { parseManifest } from "./parse-manifest.ts";
import { promotionStack } from "./promotion-history.ts";
import { mayGrant, parseScope, requireAnyScope, requireProject } from "./scopes.ts";

function history(...steps: string[]): readonly PromotionRecord[] {
  return steps.map((step, index) => ({
    id: String(index),
    functionId: "f",
    deploymentId: step.replace("<", ""),
    kind: step.startsWith("<") ? "rollback" : "promote",
    atMs: index,
  }));
}

test("the promotion stack walks back with each rollback and grows again with a promote", () => {
  const table: readonly (readonly [readonly string[], readonly string[]])[] = [
    [[], []],
    [
      ["1", "2", "3"],
      ["1", "2", "3"],
    ],
    [["1", "1"], ["1"]],
    [
      ["1", "2", "3", "<2"],
      ["1", "2"],
    ],
    [["1", "2", "3", "<2", "<1"], ["1"]],
    [
      ["1", "2", "3", "<2", "<1", "3"],
      ["1", "3"],
    ],
    [["1", "2", "3", "<1"], ["1"]],
    [
      ["1", "<9"],
      ["1", "9"],
    ],
    [
      ["1", "2", "1", "<2"],
      ["1", "2"],
    ],
  ];
  for (const [steps, stack] of table) expect(promotionStack(history(...steps))).toEqual([...stack]);
});

function variable(key: string, secret: boolean, functionId: string | undefined): EnvRecord {
  return { projectId: "p", functionId, key, secret, version: 1, value: key, updatedAtMs: 0 };
}

test("a function's own variable replaces its project's of the same key, whatever the kind", () => {
  const own = variable("A", false, "f");
  const resolved = resolveEnv(
    [variable("A", true, undefined), variable("B", true, undefined)],
    [own],
  );
  expect(resolved.find(({ key }) => key === "A")).toBe(own);
  expect(resolved).toHaveLength(2);
});

test("declared keys filter, absent lists do not, and inherited names are no values", () => {
  const values = { A: "1", B: "2" };
  expect(declaredEnv(values, undefined)).toEqual(values);
  expect(declaredEnv(values, ["B", "C", "toString"])).toEqual({ B: "2" });
  expect(declaredEnv(values, [])).toEqual({});
});

test("missing keys are told from keys of the other kind", () => {
  const json = { env_keys: ["A", "B"], secret_keys: ["C", "D"] };
  const defaults = {
    name: "f",
    runtime: "bun",
    isolation: undefined,
    caps: defaultManifestCaps,
  } as const;
  const set = [variable("A", false, "f"), variable("B", true, "f"), variable("C", true, "f")];
  expect(missingEnvKeys(parseManifest(json, defaults), set)).toEqual([
    { key: "B", wanted: "env", found: "secret" },
    { key: "D", wanted: "secret", found: "nothing" },
  ]);
});

test("nearestKey counts inserts, deletes, replacements and swaps, and keeps to its bound", () => {
  const names = ["hello", "help", "world"];
  expect(nearestKey("helo", names)).toBe("hello");
  expect(nearestKey("hlelo", names, 1)).toBe("hello");
  expect(nearestKey("wrold", names, 1)).toBe("world");
  expect(nearestKey("HELLO", names, 0)).toBe("hello");
  expect(nearestKey("zzzz", names, typoDistance("zzzz"))).toBeUndefined();
  expect(nearestKey("x".repeat(1_000_000), names)).toBeString();
  expect(nearestKey("x", [])).toBeUndefined();
});

test("only scopes that some command asks for can be granted", () => {
  const good = [
    "*",
    "functions:create",
    "functions:*:*",
    "functions:a-b:invoke",
    "functions:*:logs",
    "keys:read",
    "secrets:*",
  ];
  for (const scope of good) expect(parseScope(scope)).toBe(scope);
  const bad = [
    "",
    "functions",
    "functions:",
    "functions:*",
    "functions:A:invoke",
    "functions:a:fly",
    "functions:a:b:c",
    "keys:admin",
    "nothing:read",
    "functions:create:x",
    "* ",
  ];
  for (const scope of bad) expect(() => parseScope(scope)).toThrow("Cannot grant the scope");
});

const caller = (scopes: readonly string[], project = "*"): Caller => ({
  kind: "key",
  id: "k",
  project,
  scopes,
});

test("one of several wanted scopes is enough, and the first is named when none is there", () => {
  expect(() => requireAnyScope(caller(["b:read"]), ["a:read", "b:read"])).not.toThrow();
  expect(() => requireAnyScope(caller(["c:read"]), ["a:read", "b:read"])).toThrow('"a:read"');
});

test("nobody can grant more than they have", () => {
  expect(mayGrant(caller(["*"]), "functions:*:*")).toBe(true);
  expect(mayGrant(caller(["functions:*:*"]), "functions:a:invoke")).toBe(true);
  expect(mayGrant(caller(["functions:a:invoke"]), "functions:*:invoke")).toBe(false);
  expect(mayGrant(caller(["functions:*:*"]), "*")).toBe(false);
});

test("a confined caller touches its own project only", () => {
  expect(() => requireProject(caller([], "a"), "a")).not.toThrow();
  expect(() => requireProject(caller([], "*"), "a")).not.toThrow();
  expect(() => requireProject(caller(["*"], "a"), "b")).toThrow('belongs to project "a"');
  expect(() => requireProject(caller(["*"], "a"), "*")).toThrow('belongs to project "a"');
});
