import path from "node:path";
import { systemClock } from "../../base/clock.ts";
import { defineCommand } from "../../cli/command.ts";
import { findProject } from "../../cli/find-project.ts";
import { createClient } from "../../client/client.ts";
import { type Config, loadConfig } from "../config/load-config.ts";
import { machineSources } from "../config/machine-sources.ts";
import { settingOptions } from "../config/setting-options.ts";
import { serverVersion } from "../server-version.ts";
import { stoppingNote } from "../serve-command.ts";
import { startOnMachine } from "../start-on-machine.ts";
import { DevSession } from "./dev-session.ts";

/** `reactor dev`: the server of `serve` in mode dev, and a session that keeps it at the project's files. */
export const devCommand = defineCommand({
  name: "dev",
  summary: "Run a project while you write it: deploys on save, prints the logs",
  description:
    "In a project's root it serves every function below functions/, in a function's folder that one. " +
    "A save makes the function live; one that does not build leaves the old one live. The project's .env and .env.local are its env while dev " +
    "runs; new files of schema/ are applied. Listens on this machine only, and needs no key. Data are in " +
    ".reactor/dev of the project.",
  local: true,
  arguments: {},
  options: settingOptions,
  examples: [
    { command: "reactor dev", summary: "Serve the project on http://127.0.0.1:8080" },
    { command: "reactor dev --listen 127.0.0.1:9000", summary: "On another port" },
  ],
  errors: [],
  async run({ output, env, cwd, signal }, _args, options) {
    const project = findProject(cwd);
    const root = project.root ?? cwd;
    const config = await devConfig(options, env, { cwd, root });
    for (const warning of config.warnings) output.warn(warning);
    const server = await startOnMachine({ config, mode: "dev", env, signal });
    try {
      for (const line of server.findings) output.warn(line);
      output.item(
        { event: "ready", url: server.url },
        () => `Reactor ${serverVersion} dev is ready at ${server.url}`,
      );
      const reactor = createClient({ url: server.url });
      const { dataDir } = config.settings;
      const context = { output, cwd, signal, clock: systemClock, dataDir };
      await new DevSession(context, project, reactor).run();
      output.note(stoppingNote);
      return undefined;
    } finally {
      await server.stop();
    }
  },
});

/** The settings, with a data folder of the project's own and a quiet server log unless others are set. */
async function devConfig(
  flags: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  { cwd, root }: { readonly cwd: string; readonly root: string },
): Promise<Config> {
  const config = await loadConfig(machineSources({ flags, env, cwd }));
  const isOpen = (wanted: string): boolean =>
    config.entries.some(({ key, origin }) => key === wanted && origin === "default");
  const own = {
    ...(isOpen("data_dir") ? { dataDir: path.join(root, ".reactor", "dev") } : {}),
    // The terminal is for the functions' lines.
    ...(isOpen("log_level") ? { logLevel: "warn" } : {}),
  };
  return loadConfig(machineSources({ flags: { ...flags, ...own }, env, cwd }));
}
