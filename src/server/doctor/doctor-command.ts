import type { Clock } from "../../base/clock.ts";
import { type Command, defineCommand, exitCodes } from "../../cli/command.ts";
import type { Output, Style } from "../../cli/output.ts";
import { stripControls } from "../../cli/strip-controls.ts";
import { ConfigError } from "../config/config-error.ts";
import { type ConfigSources, loadConfig } from "../config/load-config.ts";
import { machineSources } from "../config/machine-sources.ts";
import { settingOptions } from "../config/setting-options.ts";
import type { Settings } from "../config/settings.ts";
import { microvmFolder } from "../microvm/microvm-context.ts";
import { checkCgroups } from "./checks/cgroups.ts";
import { checkDataDir } from "./checks/data-dir.ts";
import { checkEngine } from "./checks/engine.ts";
import { checkMicrovm } from "./checks/microvm.ts";
import { checkOptionalTools } from "./checks/optional-tools.ts";
import { checkPort } from "./checks/port.ts";
import { checkPostgres } from "./checks/postgres.ts";
import { checkResources } from "./checks/resources.ts";
import { checkSandbox } from "./checks/sandbox.ts";
import { packageRoot } from "../package-root.ts";
import { driverFindings, driversFailed, type ProbedDriver } from "./driver-findings.ts";
import type { Finding, FindingState } from "./finding.ts";
import { imageStockIn } from "./image-stock.ts";
import { createMachine, type Machine } from "./machine.ts";

const stateStyles: Readonly<Record<FindingState, Style>> = {
  ok: "green",
  warn: "yellow",
  missing: "red",
};

export interface DoctorOptions {
  /** Asks every driver that these settings enable whether it can work here. */
  readonly probeDrivers: (
    settings: Settings,
    signal: AbortSignal,
  ) => Promise<readonly ProbedDriver[]>;
}

/** The settings, or the defaults and a finding when they cannot be used. */
async function settingsOf(
  sources: ConfigSources,
): Promise<{ settings: Settings; finding: Finding }> {
  const name = "settings";
  try {
    const { settings, file, warnings } = await loadConfig(sources);
    const where = file ?? "no reactor.toml, defaults";
    const finding: Finding =
      warnings.length === 0
        ? {
            name,
            state: "ok",
            found: where,
            means: "the server can start with them",
            essential: true,
          }
        : {
            name,
            state: "warn",
            found: warnings.join("; "),
            means: "the server starts with them",
            essential: true,
          };
    return { settings, finding };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const nothing = { ...sources, flags: {}, env: {}, readFile: () => Promise.resolve(undefined) };
    const { settings } = await loadConfig(nothing);
    const found = error.problems.join("; ");
    const means = "the server does not start; the lines below are about the defaults";
    return {
      settings,
      finding: { name, state: "missing", found, means, remedy: "reactor config", essential: true },
    };
  }
}

async function examine(input: {
  readonly machine: Machine;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly drivers: Promise<readonly ProbedDriver[]>;
  readonly searchPath: string | undefined;
  readonly asksApt: boolean;
}): Promise<readonly Finding[]> {
  const { machine, settings, clock, drivers, searchPath, asksApt } = input;
  const groups = await Promise.all([
    checkEngine(machine),
    drivers.then(driverFindings, driversFailed),
    checkSandbox(machine),
    checkCgroups(machine),
    checkDataDir(settings),
    checkPort(machine, settings.listen, clock, settings.tlsCert === undefined ? "http" : "https"),
    checkResources(machine),
    checkPostgres(machine, settings, { searchPath, packageRoots: [packageRoot] }),
    checkOptionalTools(machine),
    checkMicrovm(machine, imageStockIn(microvmFolder(settings)), { asksApt }),
  ]);
  return groups.flat();
}

function render(output: Output, findings: readonly Finding[]): string {
  const width = Math.max(...findings.map((finding) => finding.name.length));
  const indent = " ".repeat(width + 11);
  return findings
    .map((finding) => {
      const state = output.style(stateStyles[finding.state], finding.state.padEnd(7));
      const name = output.style("bold", finding.name.padEnd(width));
      const lines = [`${state}  ${name}  ${stripControls(finding.found).replaceAll("\n", " ")}`];
      lines.push(`${indent}${output.style("dim", finding.means)}`);
      if (finding.remedy) lines.push(`${indent}${output.style("cyan", "try:")} ${finding.remedy}`);
      return lines.join("\n");
    })
    .join("\n");
}

/** `reactor doctor`: can this machine run Reactor, how safely, and what would make it better. */
export function createDoctorCommand(options: DoctorOptions): Command {
  return defineCommand({
    name: "doctor",
    summary: "Check what this machine can do for Reactor, and what would help",
    description:
      "Tries things rather than looking for files: it starts a sandbox, makes a control group, listens " +
      "on the port. The exit code is 0 when a server here can do its main job, else 1.",
    local: true,
    arguments: {},
    options: {
      ...settingOptions,
      askApt: { summary: "Also ask apt for a kernel for microVMs, which can take seconds" },
    },
    examples: [
      { command: "reactor doctor", summary: "Check this machine" },
      {
        command: "reactor doctor --listen 0.0.0.0:80 --json",
        summary: "Check for certain settings, for a program",
      },
    ],
    errors: [],
    async run({ output, env, cwd, clock, signal }, _args, flags) {
      const progress = output.progress("Checking this machine");
      try {
        const { settings, finding } = await settingsOf(machineSources({ flags, env, cwd }));
        const drivers = options.probeDrivers(settings, signal);
        const machine = createMachine(env);
        const searchPath = env["PATH"];
        const asksApt = flags.askApt;
        const examined = await examine({ machine, settings, clock, drivers, searchPath, asksApt });
        const findings = [finding, ...examined];
        const works = findings.every((one) => !one.essential || one.state !== "missing");
        progress.end();
        output.result({ works, findings }, () => render(output, findings));
        output.note(
          works
            ? "\nReactor works here. Whether its limits hold: reactor doctor prove"
            : "\nReactor cannot work here yet.",
        );
        return works ? exitCodes.ok : exitCodes.failed;
      } finally {
        progress.end();
      }
    },
  });
}
