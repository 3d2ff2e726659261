import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeRunDir, processesWith, reactor, root, until } from "./reactor.ts";

/** `reactor doctor prove` on this machine, with the product's own probes, runtimes and sandbox. */
const hasSandbox = Bun.which("bwrap") !== null;

/** With the server on Node one is enough: what holds a function is the same, and each takes 20 s. */
const runtimes =
  process.env["REACTOR_ENGINE"] === "node" ? ["bun"] : ["bun", "node", "deno", "python"];

interface Verdict {
  readonly probe: string;
  readonly runtime: string;
  readonly tier: number;
  readonly outcome: string;
  readonly exit_code: number;
  readonly found: string;
  readonly remedy: string | null;
}

/** Everything that the command makes is below it. */
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await makeRunDir();
  await mkdir(join(folder, "tmp"), { mode: 0o755 });
  env = { TMPDIR: join(folder, "tmp"), REACTOR_RUN_DIR: join(folder, "r") };
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function prove(...args: string[]) {
  const { code, stdout, stderr } = await reactor(["doctor", "prove", "--json", ...args], { env });
  if (stdout === "") throw new Error(stderr);
  const report: { exit_code: number; probes: readonly Verdict[] } = JSON.parse(stdout);
  expect(report.exit_code).toBe(code);
  return { code, probes: report.probes };
}

/** No file, folder or process of it is left. */
async function expectNothingLeft(): Promise<void> {
  expect(await readdir(folder)).toEqual(["tmp"]);
  expect(await readdir(join(folder, "tmp"))).toEqual([]);
  expect(await processesWith(folder)).toEqual([]);
}

const named = (probes: readonly Verdict[], outcome: string): string[] =>
  probes.filter((verdict) => verdict.outcome === outcome).map(({ probe }) => probe);

describe.if(hasSandbox)("in the sandbox", () => {
  test.each(runtimes)(
    "every promise to %s functions holds, and what is not promised is said",
    async (runtime) => {
      const { code, probes } = await prove("--runtimes", runtime);
      const wrong = probes.filter(({ exit_code }) => exit_code === 1);
      expect(wrong).toEqual([]);
      expect(probes.length).toBeGreaterThanOrEqual(20);
      for (const { tier } of probes) expect(tier).toBeGreaterThanOrEqual(1);
      const weak = probes.filter(({ outcome }) => outcome === "not_held");
      for (const { remedy } of weak) expect(remedy).not.toBe(null);
      expect(code).toBe(probes.every(({ outcome }) => outcome === "held") ? 0 : 3);
      await expectNothingLeft();
    },
    180_000,
  );
});

describe("without a sandbox", () => {
  test("the probes of the sandbox's promises report that they are not held", async () => {
    const { code, probes } = await prove("--runtimes", "bun", "--sandbox", "off");
    expect(code).toBe(3);
    expect(named(probes, "broken")).toEqual([]);
    expect(named(probes, "failed")).toEqual([]);
    const weak = named(probes, "not_held");
    for (const probe of [
      "host-files",
      "system-folders",
      "tmp-space",
      "processes",
      "tracing",
      "socket-families",
      "kernel-calls",
      "loopback",
      "metadata",
      "admin-port",
      "abstract-sockets",
      "outlive-instance",
      "outlive-server",
    ]) {
      expect(weak).toContain(probe);
    }
    const files = probes.find(({ probe }) => probe === "host-files");
    expect(files?.found).toContain("tier 0 (process) does not promise it");
    expect(files?.remedy).toContain('Set the sandbox to "auto"');
    // What a process of its own, and the server, hold without one.
    const strong = named(probes, "held");
    for (const probe of ["memory-heap", "memory-buffers", "wall-clock", "response-size"]) {
      expect(strong).toContain(probe);
    }
    await expectNothingLeft();
  }, 180_000);

  test("a line for people names the outcome, the runtime, the probe and the figure", async () => {
    const args = ["--runtimes", "python", "--sandbox", "off", "--only", "descriptors"];
    const { code, stdout, stderr } = await reactor(["doctor", "prove", ...args], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^held {6}python {2}descriptors +opens descriptors without end: EMFILE after \d+ descriptors\n$/,
    );
    expect(stderr).toContain("1 probes: 1 held.");
  }, 60_000);
});

test.if(existsSync("/usr/bin/setpriv"))(
  "a doctor that is killed takes its server and its functions with it",
  async () => {
    const args = ["--runtimes", "bun", "--only", "memory-heap", "--only", "wall-clock"];
    const doctor = Bun.spawn([join(root, "bin/reactor"), "doctor", "prove", ...args], {
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", ...env },
      stdout: "ignore",
      stderr: "ignore",
    });
    const servers = async (): Promise<readonly string[]> =>
      (await processesWith(env["TMPDIR"] ?? "")).filter((line) => line.includes(" serve "));
    await until("the doctor's server runs", async () => (await servers()).length > 0);
    doctor.kill("SIGKILL");
    await doctor.exited;
    await until("nothing of it runs", async () => (await processesWith(folder)).length === 0);
    await rm(folder, { recursive: true });
    await mkdir(join(folder, "tmp"), { recursive: true, mode: 0o755 });
  },
  60_000,
);
