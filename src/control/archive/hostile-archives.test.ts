import { expect, test } from "bun:test";
import { refusal } from "../testing/refusal.ts";
import { defaultBundleLimits } from "../../archive/bundle-limits.ts";
import { hostileArchives } from "./hostile-archives.harness.ts";
import { readUpload } from "./read-upload.ts";

for (const { what, upload, code, word } of hostileArchives) {
  test(`${what} is refused`, async () => {
    const refused = await refusal(readUpload(upload(), defaultBundleLimits));
    expect({ code: refused.code, message: refused.message }).toEqual({
      code,
      message: expect.stringContaining(word) as string,
    });
  });
}

test("no two uploads of the corpus have the same name", () => {
  const names = hostileArchives.map(({ what }) => what);
  expect(new Set(names).size).toBe(names.length);
});
