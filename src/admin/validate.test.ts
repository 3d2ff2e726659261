import { expect, test } from "bun:test";
import { z } from "@hono/zod-openapi";
import { validate } from "./validate.ts";

const schema = z.strictObject({ name: z.string(), size: z.number().max(9).optional() });

function refusal(value: unknown): string {
  try {
    validate(schema, value, "body");
  } catch (error) {
    return error instanceof Error ? error.message : "no error";
  }
  return "accepted";
}

test("a misspelt key is named beside the one that is missing", () => {
  expect(refusal({ nam: "hello" })).toBe(
    `The request's body is not acceptable at /name: it is missing, must be of type string; at /nam: unknown key "nam"`,
  );
});

test("three violations are said, and how many there are beyond", () => {
  const message = refusal({ name: "hello", a: 1, b: 1, c: 1, d: 1 });
  expect(message.match(/unknown key/g)).toHaveLength(3);
  expect(message).toEndWith('at /c: unknown key "c"; and 1 more');
});

test("a value of the whole that is missing has no pointer", () => {
  expect(refusal(undefined)).toBe(
    "The request's body is not acceptable: it is missing, must be of type object",
  );
});
