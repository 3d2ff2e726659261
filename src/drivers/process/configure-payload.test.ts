import { expect, test } from "bun:test";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { configurePayload } from "./configure-payload.ts";

const artifact = { deploymentId: "dep_1", entrypoint: "index.js", code: Buffer.from("code") };
const spec = {
  projectId: "prj_test",
  functionId: "fn_1",
  functionName: "hello",
  deploymentId: "dep_1",
  revision: 1,
  manifest: suiteManifest({ runtime: "bun" }),
  env: {},
  secrets: {},
  startTimeoutMs: 1000,
  onLog: () => {},
};

function told(shape: string | undefined, isClone: boolean): { shape?: unknown; clone?: unknown } {
  const payload = configurePayload(
    artifact,
    { ...spec, shape },
    { dev: false, isClone, isTemplate: false },
  );
  return JSON.parse(payload.toString("utf8", 4, 4 + payload.readUInt32LE(0)));
}

test("an instance is told the shape that its deployment recorded, and of none at the first start", () => {
  const shapeOf = (shape: string | undefined): unknown => told(shape, false).shape;
  expect(shapeOf("function")).toBe("function");
  expect(shapeOf(undefined)).toBeUndefined();
});

test("a clone is told that it is one, and nobody else", () => {
  expect(told(undefined, true).clone).toBe(true);
  expect("clone" in told(undefined, false)).toBe(false);
});
