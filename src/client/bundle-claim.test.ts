import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { bundleDigest } from "../domain/bundle-digest.ts";
import { bundleClaim } from "./bundle-claim.ts";

test("the claim is the server's own digest for any files", async () => {
  const path = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      "reactor.json",
      "flux.json",
      "code/index.ts",
      "code/reactor.json",
      "é",
      "𝒳",
      "￿",
    ),
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(path, fc.uint8Array({ maxLength: 64 })), async (files) => {
      const map = new Map(Object.entries(files));
      expect(await bundleClaim(map)).toBe(bundleDigest(map));
    }),
  );
});
