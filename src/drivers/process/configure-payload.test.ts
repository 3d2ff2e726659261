import { expect, test } from "bun:test";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { configurePayload } from "./configure-payload.ts";

test("an instance is told the shape that its deployment recorded, and of none at the first start", () => {
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
  const shapeOf = (shape: string | undefined): unknown => {
    const payload = configurePayload(artifact, { ...spec, shape }, false);
    const text = payload.toString("utf8", 4, 4 + payload.readUInt32LE(0));
    return (JSON.parse(text) as { shape?: unknown }).shape;
  };
  expect(shapeOf("function")).toBe("function");
  expect(shapeOf(undefined)).toBeUndefined();
});
