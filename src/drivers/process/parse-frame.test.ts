import { expect, test } from "bun:test";
import { parseReady } from "./parse-frame.ts";

function schemasOf(members: object): unknown {
  return parseReady(JSON.stringify({ shape: "define_function", ...members })).schemas;
}

test("ready tells the schemas, each known or not", () => {
  const input = { type: "object", properties: { __proto__x: { type: "string" } } };
  expect(schemasOf({ input, output: true })).toEqual({ input, output: true });
  expect(schemasOf({ output: false })).toEqual({ input: undefined, output: false });
  expect(schemasOf({})).toBeUndefined();
});

test("schemas that are none, too large or too deep are as if not told, and the shape stands", () => {
  for (const input of [null, 1, "text", [{}]]) expect(schemasOf({ input })).toBeUndefined();
  const large = (bytes: number): object => ({ title: "x".repeat(bytes - '{"title":""}'.length) });
  expect(schemasOf({ input: large(32 * 1024) })).toBeDefined();
  expect(schemasOf({ input: large(32 * 1024 + 1) })).toBeUndefined();
  const deep = (levels: number): string => `{"a":`.repeat(levels) + "1" + "}".repeat(levels);
  const ready = (schema: string): string => `{"shape":"fetch","input":${schema}}`;
  expect(parseReady(ready(deep(200))).schemas).toBeDefined();
  expect(parseReady(ready(deep(5000)))).toEqual({ shape: "fetch", schemas: undefined });
});
