import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createIds } from "../../../base/ids.ts";
import { systemRandom } from "../../../base/random.ts";
import { type Command, type CommandContext, defineCommand } from "../../../cli/command.ts";
import { CommandFailure } from "../../../cli/command-failure.ts";
import type { Output, Style } from "../../../cli/output.ts";
import { stripControls } from "../../../cli/strip-controls.ts";
import { ConfigError } from "../../config/config-error.ts";
import { loadConfig } from "../../config/load-config.ts";
import { machineSources } from "../../config/machine-sources.ts";
import { settingOptions } from "../../config/setting-options.ts";
import type { Settings } from "../../config/settings.ts";
import { killAll, processesNaming } from "./host-processes.ts";
import type { Probe } from "./probe.ts";
import { runProbes } from "./run-probes.ts";
import { ScratchServer } from "./scratch-server.ts";
import { type Outcome, overallCode, type Verdict } from "./verdict.ts";

const styles: Readonly<Record<Outcome, Style>> = {
  held: "green",
  broken: "red",
  failed: "red",
  not_held: "yellow",
  untried: "yellow",
};

/** Settings that decide what is proven; the server's others are its own business. */
const ownOptions = Object.fromEntries(
  Object.entries(settingOptions).filter(([key]) => ["config", "runtimes", "sandbox"].includes(key)),
);

/** `reactor doctor prove`: breaks each limit, and says which ones held. */
export function createProveCommand(table: readonly Probe[]): Command {
  const names = table.map(({ name }) => name);
  const nameWidth = Math.max(...names.map((name) => name.length));
  return defineCommand({
    name: "doctor prove",
    summary: "Try to break every limit of this machine's sandbox, and say which ones hold",
    description:
      "Starts a server of its own with a folder of its own, deploys functions that attack on every runtime " +
      "that works here, and prints a line for each probe; nothing of it stays. Run it as the user, and in the " +
      "place, that the real server runs in. A probe's exit code is 0 when the limit held, 1 when it did not " +
      "although this machine's tier promises it (or the probe went wrong), 3 when the tier does not promise it " +
      "or it cannot be tried here. Over several probes: 1 when there is a 1, else 3 when there is a 3, else 0.",
    local: true,
    arguments: {},
    options: {
      only: {
        summary: "Only this probe; may be given several times",
        value: "probe",
        many: true,
        choices: names,
      },
      ...ownOptions,
    },
    examples: [
      { command: "reactor doctor prove", summary: "Every probe on every runtime" },
      {
        command: "reactor doctor prove --only memory-heap --runtimes bun,python",
        summary: "One probe on two runtimes",
      },
      { command: "reactor doctor prove --sandbox off", summary: "What a sandbox is for" },
    ],
    errors: [],
    async run(context, _args, options) {
      const { output } = context;
      const probes = table.filter(
        ({ name }) => options.only.length === 0 || options.only.includes(name),
      );
      const settings = await settingsOf(context, options);
      const progress = output.progress("Starting a server to break");
      try {
        const verdicts = await prove(context, settings, {
          probes,
          onProbe: (probe, { runtime }) => progress.update(`${runtime}: ${probe.name}`),
          onVerdict(verdict) {
            progress.update("");
            if (!output.json) output.item(verdict, () => lineOf(output, verdict, nameWidth));
          },
        });
        progress.end();
        const exitCode = overallCode(verdicts);
        if (output.json) output.result({ exit_code: exitCode, probes: verdicts }, () => "");
        output.note(`\n${summaryOf(verdicts)}`);
        return exitCode;
      } finally {
        progress.end();
      }
    },
  });
}

async function settingsOf(
  { env, cwd }: CommandContext,
  flags: Readonly<Record<string, unknown>>,
): Promise<Settings> {
  try {
    return (await loadConfig(machineSources({ flags, env, cwd }))).settings;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = `Cannot read the settings: ${error.problems.join("; ")}`;
    throw new CommandFailure(message, { next: "reactor config", cause: error });
  }
}

type Hearing = Pick<Parameters<typeof runProbes>[0], "probes" | "onProbe" | "onVerdict">;

/** Runs the probes against a server that is gone afterwards, with all that it made. */
async function prove(
  { clock, env, signal }: CommandContext,
  settings: Settings,
  hearing: Hearing,
): Promise<readonly Verdict[]> {
  const ids = createIds(clock, systemRandom);
  const openFolder = await mkdtemp(path.join(tmpdir(), "reactor-prove-"));
  const mark = ids.next("doctor").replace("_", "-");
  const server = new ScratchServer({
    folder: openFolder,
    runDir: `${settings.runDir}-prove-${process.pid}`,
    settings,
    canary: ids.next("canary"),
    clock,
    env,
  });
  try {
    // Functions run as other users, who must be able to look for what is in it.
    await chmod(openFolder, 0o755);
    return await runProbes({ ...hearing, server, openFolder, mark, clock, signal });
  } catch (error) {
    signal.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(`Cannot prove anything: ${message}`, {
      next: "reactor doctor",
      cause: error,
    });
  } finally {
    await server.close();
    // What an interrupted probe had no time to end.
    killAll(processesNaming(mark));
    await rm(openFolder, { recursive: true, force: true });
  }
}

function lineOf(output: Output, verdict: Verdict, nameWidth: number): string {
  const { outcome, runtime, probe, tried, found, remedy } = verdict;
  const state = output.style(styles[outcome], outcome.replace("_", " ").padEnd(8));
  const name = output.style("bold", probe.padEnd(nameWidth));
  const next = remedy === null ? "" : `; ${output.style("cyan", "try:")} ${remedy}`;
  const text = stripControls(`${tried}: ${found}`).replaceAll("\n", " ");
  return `${state}  ${runtime.padEnd(6)}  ${name}  ${text}${next}`;
}

function summaryOf(verdicts: readonly Verdict[]): string {
  const count = (outcome: Outcome): number =>
    verdicts.filter((verdict) => verdict.outcome === outcome).length;
  const parts = (["held", "not_held", "untried", "broken", "failed"] as const)
    .map((outcome) => [outcome.replace("_", " "), count(outcome)] as const)
    .filter(([, number]) => number > 0)
    .map(([outcome, number]) => `${number} ${outcome}`);
  return `${verdicts.length} probes: ${parts.join(", ")}.`;
}
