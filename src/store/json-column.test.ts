import { expect, test } from "bun:test";
import { manifestColumn } from "./json-column.ts";
import { aManifest } from "./testing/store-records.ts";

test("a manifest comes back as it was stored, with the tier that it demands", () => {
  const manifest = { ...aManifest(), minTier: 2 as const };
  expect(manifestColumn.decode(manifestColumn.encode(manifest), "it")).toEqual(manifest);
});

test("a manifest that was stored before manifests had min_tier demands no tier", () => {
  const text = manifestColumn.encode(aManifest());
  const older = text.replace('"minTier":null,', "");
  expect(older).not.toBe(text);
  expect(manifestColumn.decode(older, "it")).toEqual(aManifest());
});

test("a stored tier that does not exist is damage", () => {
  const text = manifestColumn.encode(aManifest()).replace('"minTier":null', '"minTier":7');
  expect(() => manifestColumn.decode(text, "it")).toThrow("Cannot read it");
});
