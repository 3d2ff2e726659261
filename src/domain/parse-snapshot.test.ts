import { expect, test } from "bun:test";
import { defaultManifestCaps } from "./manifest-keys.ts";
import { parseManifest } from "./parse-manifest.ts";

const kind = { runtime: "bun", isolation: "process" } as const;
const parse = (json: unknown) =>
  parseManifest(json, { name: "hello", ...kind, caps: defaultManifestCaps });

test("a snapshot is for microVMs that receive no variables", () => {
  const microvm = { isolation: "microvm", snapshot: true };
  expect(parse({ ...microvm, env_keys: [], secret_keys: [] }).snapshot).toBe(true);
  expect(parse({ ...microvm, snapshot: false, env_keys: ["A"] }).snapshot).toBe(false);
  expect(parse({}).snapshot).toBe(false);
  for (const [refused, why] of [
    [{ snapshot: true }, 'this is bun at isolation "process"; set isolation to "microvm"'],
    [{ runtime: "deno", isolation: "worker", snapshot: true }, "this is deno at isolation"],
    [{ runtime: "lambda", snapshot: true }, "this is lambda at isolation"],
    [{ ...microvm, env_keys: ["A"] }, "env_keys lists some"],
    [{ ...microvm, secret_keys: ["A"] }, "secret_keys lists some"],
  ] as const) {
    expect(() => parse(refused)).toThrow(why);
  }
});
