/**
 * A server of its own process for tests: `bun server.harness.ts <runDir> <auto|off>` starts one
 * instance, prints its process ids as JSON and then waits to be killed.
 */
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver } from "./test-driver.harness.ts";

const [runDir = "", sandbox] = process.argv.slice(2);
const { driver } = createTestDriver({
  runDir,
  sandbox: sandbox === "off" ? "off" : "auto",
  blanksMax: 1,
});
const signal = new AbortController().signal;
const manifest = suiteManifest({ runtime: "bun" });
const code = "setInterval(() => {}, 1000); export default { fetch: () => new Response('x') };";
const files = new Map([["index.js", new TextEncoder().encode(code)]]);
const artifact = await driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
const names = {
  projectId: "prj_test",
  functionId: "fn_1",
  functionName: "stays",
  deploymentId: "dep_1",
  revision: 1,
};
const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 10_000, onLog() {} };
const instance = await driver.start(artifact, spec, signal);
process.stdout.write(`${JSON.stringify(instance.pids)}\n`);
await new Promise(() => setInterval(() => {}, 60_000));
