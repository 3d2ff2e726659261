import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Artifact, Driver } from "../driver.ts";
import { scenarioName } from "../suite/scenario.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";

/** The Python counterpart of the suite's scenario: the same behaviour, written as Python is. */
export function pythonArtifact(source: string, driver: Driver): Promise<Artifact> {
  const name = scenarioName(Buffer.from(source));
  assert(name !== undefined, "the suite's scenarios have names");
  const file = readFileSync(join(import.meta.dirname, "scenarios", `${name}.py`));
  return driver.prepare(
    {
      deploymentId: "dep_suite",
      manifest: { ...suiteManifest({ runtime: "python" }), entrypoint: "index.py" },
      files: new Map([["index.py", file]]),
    },
    new AbortController().signal,
  );
}

/** Cases of the suite that Python cannot pass, and why. */
export const pythonGaps = {
  "start() reports the shape `function` for a default export that is a function":
    "Python has no default exports; shapes.test.ts shows which shape is recorded for what",
  "a rejection that nobody handles fails the only request with its message, or ends it":
    "Python logs what a task raised that nobody awaits, and goes on; logs.test.ts shows it under its request",
} as const;
