import { expect, test } from "bun:test";
import { createSeededRandom, systemRandom } from "../base/random.ts";
import { createSecretBox } from "./secret-box.ts";
import { thrown } from "./testing/refusal.ts";

const subject = { owner: "fn_1", key: "TOKEN", version: 1 };
const key = (id: string) => ({ id, bytes: systemRandom.bytes(32) });

test("a sealed value opens again and shows nothing of itself", () => {
  const box = createSecretBox({ current: key("m1"), random: systemRandom });
  for (const value of ["", "s3cret-value-1", "ünïcode \u{1f600}", "x".repeat(65_536)]) {
    const sealed = box.seal(value, subject);
    expect(box.open(sealed, subject)).toBe(value);
    if (value !== "")
      expect(Buffer.from(sealed, "base64url").includes(Buffer.from(value))).toBe(false);
  }
});

test("two seals of one value differ", () => {
  const box = createSecretBox({ current: key("m1"), random: systemRandom });
  expect(box.seal("same", subject)).not.toBe(box.seal("same", subject));
});

test("flipping any bit of any character of a sealed value makes it unreadable", () => {
  const box = createSecretBox({ current: key("m1"), random: createSeededRandom(1) });
  // Of two lengths in three the last character of base64 has bits that say nothing.
  for (const value of ["s3cret-value-1", "s3cret-value-12", "s3cret-value-123"]) {
    const sealed = Buffer.from(box.seal(value, subject));
    for (let index = 0; index < sealed.length; index++) {
      for (let bit = 0; bit < 7; bit++) {
        const flipped = Buffer.from(sealed);
        flipped[index] = (flipped[index] ?? 0) ^ (1 << bit);
        const error = thrown(() => box.open(flipped.toString("latin1"), subject));
        expect(error.code).toBe("storage_unavailable");
      }
    }
  }
});

test("cutting or extending a sealed value makes it unreadable", () => {
  const box = createSecretBox({ current: key("m1"), random: systemRandom });
  const sealed = box.seal("s3cret-value-1", subject);
  for (const changed of [
    "",
    "rs1",
    sealed.slice(0, -1),
    `${sealed}A`,
    `${sealed}.x`,
    ` ${sealed}`,
  ]) {
    expect(thrown(() => box.open(changed, subject)).code).toBe("storage_unavailable");
  }
});

test("a sealed value opens for no other function, key or version", () => {
  const box = createSecretBox({ current: key("m1"), random: systemRandom });
  const sealed = box.seal("s3cret-value-1", subject);
  for (const other of [{ owner: "fn_2" }, { key: "OTHER" }, { version: 2 }]) {
    const error = thrown(() => box.open(sealed, { ...subject, ...other }));
    expect(error.code).toBe("storage_unavailable");
    expect(error.message).not.toContain("s3cret-value-1");
  }
});

test("a value sealed under another master key does not open, and says which is missing", () => {
  const sealed = createSecretBox({ current: key("m1"), random: systemRandom }).seal("v", subject);
  const other = createSecretBox({ current: key("m2"), random: systemRandom });
  expect(thrown(() => other.open(sealed, subject)).message).toContain('"m1"');
  expect(other.knows(sealed)).toBe(false);
  const sameId = createSecretBox({ current: key("m1"), random: systemRandom });
  expect(thrown(() => sameId.open(sealed, subject)).code).toBe("storage_unavailable");
});

test("rewrap moves a secret to the current master key without changing its ciphertext", () => {
  const old = key("m1");
  const sealed = createSecretBox({ current: old, random: systemRandom }).seal("value", subject);
  const current = key("m2");
  const both = createSecretBox({ current, previous: [old], random: systemRandom });
  const rewrapped = both.rewrap(sealed, subject);
  expect(rewrapped.startsWith("rs1.m2.")).toBe(true);
  expect(createSecretBox({ current, random: systemRandom }).open(rewrapped, subject)).toBe("value");
  const body = (text: string) => Buffer.from(text.split(".")[2] ?? "", "base64url").subarray(60);
  expect(body(rewrapped).equals(body(sealed))).toBe(true);
  expect(thrown(() => both.rewrap(sealed, { ...subject, version: 9 })).code).toBe(
    "storage_unavailable",
  );
});

test("a master key of another size is refused", () => {
  const current = { id: "m1", bytes: new Uint8Array(16) };
  expect(thrown(() => createSecretBox({ current, random: systemRandom })).message).toContain(
    "16 bytes",
  );
});
