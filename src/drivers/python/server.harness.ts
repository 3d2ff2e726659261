/**
 * A server of its own process for tests: `bun server.harness.ts <runDir> <auto|off> <folder>` starts
 * one instance of the function in the folder's `index.py`, says so, and then waits to be killed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const [runDir = "", sandbox, folder = ""] = process.argv.slice(2);
const { driver } = createTestDriver({
  runDir,
  sandbox: sandbox === "off" ? "off" : "auto",
  blanksMax: 1,
});
const { signal } = new AbortController();
const manifest = suiteManifest({ runtime: "python" });
const files = new Map([["index.py", readFileSync(join(folder, "index.py"))]]);
const artifact = await driver.prepare(
  { deploymentId: "dep_1", manifest: { ...manifest, entrypoint: "index.py" }, files },
  signal,
);
const names = {
  projectId: "prj_test",
  functionId: "fn_1",
  functionName: "stays",
  deploymentId: "dep_1",
  revision: 1,
};
const say = (word: string): void => void process.stdout.write(`${word}\n`);
const onLog = ({ message }: { message: string }): void => say(message);
const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 60_000, onLog };
await driver.start(artifact, spec, signal);
say("started");
await new Promise(() => setInterval(() => {}, 60_000));
