import { expect, test } from "bun:test";
import { createSecretMask } from "./mask-secrets.ts";

const value = 'p@ss "word"/with+signs';

test("a value is masked in plain and in the spellings that logs produce", () => {
  const masked = createSecretMask({ TOKEN: value });
  const bytes = Buffer.from(value);
  for (const form of [
    value,
    bytes.toString("base64"),
    bytes.toString("base64url"),
    bytes.toString("hex"),
    encodeURIComponent(value),
    JSON.stringify({ value }),
  ]) {
    const text = masked(`before ${form} after`);
    expect(text).toContain("[secret]");
    expect(text).not.toContain("word");
    expect(text).toStartWith("before ");
  }
});

test("each line of a value of several lines is masked", () => {
  const masked = createSecretMask({ KEY: "-----BEGIN KEY-----\nabcdefghijkl\n-----END KEY-----" });
  expect(masked("got abcdefghijkl")).toBe("got [secret]");
});

test("a value that contains another is masked whole", () => {
  const masked = createSecretMask({ A: "abcdefgh", B: "abcdefgh-ijklmnop" });
  expect(masked("x abcdefgh-ijklmnop y abcdefgh")).toBe("x [secret] y [secret]");
});

test("values under 8 characters and texts without one stay as they are", () => {
  const masked = createSecretMask({ SHORT: "abc" });
  expect(masked("abc def")).toBe("abc def");
  expect(createSecretMask({})("anything")).toBe("anything");
});
