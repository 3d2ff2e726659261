import { afterAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { runInTerminal } from "../../../cli/run-in-terminal.ts";
import { groupsLeft } from "../../../drivers/process/testing/groups-left.ts";
import { processesNaming } from "./host-processes.ts";
import type { Probe } from "./probe.ts";
import { probeTable } from "./probe-table.ts";
import { createProveCommand } from "./prove-command.ts";
import type { Verdict } from "./verdict.ts";

const root = await mkdtemp(path.join(tmpdir(), "rp-"));
// Instances run as other users, who must be able to pass.
await chmod(root, 0o755);
afterAll(() => rm(root, { recursive: true, force: true }));

interface Report {
  readonly exit_code: number;
  readonly probes: readonly Verdict[];
}

/** Runs the command with these probes on Bun without a sandbox, so that something gives way. */
async function prove(
  probes: readonly Probe[],
  options: {
    argv?: readonly string[];
    signal?: AbortSignal;
    env?: Readonly<Record<string, string>>;
  } = {},
) {
  const { argv = ["--json"], env = {}, ...more } = options;
  const { code, stdout, stderr } = await runInTerminal(
    ["doctor", "prove", "--runtimes", "bun", "--sandbox", "off", ...argv],
    {
      cwd: root,
      env: { PATH: "/usr/bin:/bin", REACTOR_RUN_DIR: path.join(root, "run"), ...env },
      clock: systemClock,
      localCommands: [createProveCommand(probes)],
      ...more,
    },
  );
  return { code, stdout, stderr };
}

function probeNamed(name: string): Probe {
  const probe = probeTable.find((one) => one.name === name);
  if (probe === undefined) throw new Error(`there is no probe ${name}`);
  return probe;
}

const files = probeNamed("host-files");
const descriptors = probeNamed("descriptors");

describe("reactor doctor prove", () => {
  test("exits with 1 when something breaks that the tier promises, and leaves nothing", async () => {
    const promised: Probe = { ...files, tier: 0 };
    const { code, stdout } = await prove([promised, descriptors]);
    const report: Report = JSON.parse(stdout);
    expect(code).toBe(1);
    expect(report.exit_code).toBe(1);
    expect(report.probes.map(({ outcome }) => outcome)).toEqual(["broken", "held"]);
    expect(report.probes[0]?.found).toContain("/etc/passwd");
    expect(await readdir(root)).toEqual([]);
    expect(processesNaming(root)).toEqual([]);
  }, 60_000);

  test("--only runs one probe and exits with its code", async () => {
    const table = [files, descriptors];
    const weak = await prove(table, { argv: ["--only", "host-files", "--json"] });
    expect(weak.code).toBe(3);
    const report: Report = JSON.parse(weak.stdout);
    expect(report.probes.map(({ probe }) => probe)).toEqual(["host-files"]);
    const strong = await prove(table, { argv: ["--only", "descriptors"] });
    expect(strong.code).toBe(0);
    expect(strong.stdout).toMatch(/^held +bun +descriptors +opens descriptors without end: EMFILE/);
    expect(strong.stdout.trimEnd().split("\n")).toHaveLength(1);
  }, 60_000);

  test("a probe that is not there is wrong usage, with the names of those that are", async () => {
    const { code, stderr } = await prove([files, descriptors], { argv: ["--only", "files"] });
    expect(code).toBe(2);
    expect(stderr).toContain("host-files, descriptors");
  });

  test("a probe that goes wrong is no success, and the next one gets a server that works", async () => {
    const wrong: Probe = {
      ...files,
      name: "wrong",
      run: () => Promise.reject(new Error("no idea")),
    };
    const { code, stdout } = await prove([wrong, descriptors]);
    expect(code).toBe(1);
    const report: Report = JSON.parse(stdout);
    expect(report.probes.map(({ outcome }) => outcome)).toEqual(["failed", "held"]);
    expect(report.probes[0]?.found).toBe("the probe went wrong: no idea");
  }, 60_000);

  test("Ctrl-C ends it in the middle of a probe, with its server", async () => {
    const interrupt = new AbortController();
    const stuck: Probe = {
      ...files,
      name: "stuck",
      run() {
        interrupt.abort(new Error("SIGINT"));
        return new Promise(() => undefined);
      },
    };
    const { code, stderr } = await prove([stuck], { argv: [], signal: interrupt.signal });
    expect(code).toBe(1);
    expect(stderr).toContain("Interrupted");
    expect(await readdir(root)).toEqual([]);
    expect(processesNaming(root)).toEqual([]);
  }, 60_000);

  test.if(Bun.which("bwrap") !== null)(
    "a server that a probe killed leaves no control groups either",
    async () => {
      const argv = ["--sandbox", "auto"];
      const { code } = await prove([probeNamed("outlive-server")], { argv });
      expect(code).toBe(0);
      expect(groupsLeft(path.join(root, `run-prove-${process.pid}`))).toEqual([]);
      expect(await readdir(root)).toEqual([]);
    },
    60_000,
  );

  test("a server that does not start is said with its own words", async () => {
    const { code, stderr } = await prove([files], { env: { REACTOR_ENGINE: "cobol" } });
    expect(code).toBe(1);
    expect(stderr).toContain("the scratch server did not start");
    expect(stderr).toContain("it must be bun or node");
  }, 60_000);

  test("a machine where no runtime works proves nothing, and says why", async () => {
    const tooLong = path.join(root, "run".repeat(30));
    const { code, stderr } = await prove([files], { env: { REACTOR_RUN_DIR: tooLong } });
    expect(code).toBe(1);
    expect(stderr).toContain("no runtime works here: bun: Cannot use run folder");
  }, 60_000);

  test("every probe has a name of its own, and there are at least 16", () => {
    const names = new Set(probeTable.map(({ name }) => name));
    expect(names.size).toBe(probeTable.length);
    expect(names.size).toBeGreaterThanOrEqual(16);
  });
});
