import { expect, test } from "bun:test";
import { ReactorError } from "../domain/errors.ts";
import { suiteManifest } from "./suite/suite-manifest.ts";
import { createMissingDriver } from "./missing-driver.ts";

const reason = new ReactorError("unsupported_runtime", "Cannot run Deno functions: no deno", {
  details: { remedy: "Run npm ci" },
});

test("the probe of a missing driver gives the reason and the remedy", async () => {
  const probe = await createMissingDriver("deno", reason).probe(new AbortController().signal);
  expect(probe.available).toBe(false);
  expect(probe.findings).toEqual([reason.message]);
  expect(probe.remedies).toEqual(["Run npm ci"]);
  expect(new Set(Object.values(probe.enforces))).toEqual(new Set(["none"]));
});

test("a missing driver refuses to prepare with the same reason", async () => {
  const driver = createMissingDriver("deno", reason);
  const request = {
    deploymentId: "dep_1",
    manifest: suiteManifest({ runtime: "deno" }),
    files: new Map(),
  };
  const preparing = driver.prepare(request, new AbortController().signal);
  expect(await preparing.catch((error: unknown) => error)).toBe(reason);
});
