import { existsSync } from "node:fs";
import path from "node:path";
import { defineCommand } from "../cli/command.ts";
import { loadConfig } from "./config/load-config.ts";
import { machineSources } from "./config/machine-sources.ts";
import { settingOptions } from "./config/setting-options.ts";
import { deployExample } from "./deploy-example.ts";
import { failStart, startOnMachine } from "./start-on-machine.ts";
import type { RunningServer } from "./start-server.ts";
import { serverVersion } from "./server-version.ts";

/** Said when a server begins to stop, which can take as long as what it serves. */
export const stoppingNote =
  "Stopping: running invocations may finish. Press Ctrl-C again to stop at once.";

/** `reactor serve`: the server, until SIGTERM or Ctrl-C. */
export const serveCommand = defineCommand({
  name: "serve",
  summary: "Run the server",
  description:
    "Runs until SIGTERM or Ctrl-C, then lets running invocations finish. The first start makes the data " +
    "folder, a master key for secrets and an admin key, and says where they are.",
  local: true,
  arguments: {},
  options: {
    ...settingOptions,
    example: {
      summary: "Also deploy and promote the function in this folder, and print its address",
      value: "path",
    },
  },
  examples: [
    { command: "reactor serve", summary: "Serve on http://127.0.0.1:8080 with data in ./.reactor" },
    {
      command: "reactor serve --listen 127.0.0.1:9000 --data-dir /var/lib/reactor",
      summary: "Another address and folder",
    },
  ],
  errors: [],
  async run({ output, env, cwd, signal }, _args, options) {
    const config = await loadConfig(machineSources({ flags: options, env, cwd }));
    // Before the start, which fails when, say, the port is taken that a misspelt variable was to change.
    for (const warning of config.warnings) output.warn(warning);
    const server = await startOnMachine({ config, mode: "serve", env, signal });
    try {
      for (const line of server.findings) output.warn(line);
      const example = await exampleUrl(options["example"], server, cwd).catch(failStart);
      output.result(
        { url: server.url, admin_key_file: server.adminKeyFile, example: example ?? null },
        () =>
          [
            `Reactor ${serverVersion} is ready at ${server.url}`,
            adminKeyLine(server),
            ...(example === undefined
              ? []
              : [
                  `The example function is at ${example}`,
                  `Try: curl -d '{"name":"you"}' ${example}`,
                ]),
          ].join("\n"),
      );
      await aborted(signal);
      output.note(stoppingNote);
      return undefined;
    } finally {
      await server.stop();
    }
  },
});

/** A restored data folder has no admin key file, though its admin key works. */
function adminKeyLine({ adminKeyFile, adminKeyMade }: RunningServer): string {
  if (adminKeyMade) return `The admin key is in ${adminKeyFile} (made just now)`;
  return existsSync(adminKeyFile)
    ? `The admin key is in ${adminKeyFile}`
    : `There is no ${adminKeyFile}: use the admin key that was made with these data, with --key or REACTOR_API_KEY`;
}

async function exampleUrl(
  option: unknown,
  server: RunningServer,
  cwd: string,
): Promise<string | undefined> {
  if (typeof option !== "string") return undefined;
  const name = await deployExample({ control: server.control, folder: path.resolve(cwd, option) });
  return `${server.url}/fn/v1/${name}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
