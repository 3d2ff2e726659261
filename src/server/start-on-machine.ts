import { systemClock } from "../base/clock.ts";
import { createIds } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { CommandFailure } from "../cli/command-failure.ts";
import { ReactorError } from "../domain/errors.ts";
import type { Config } from "./config/load-config.ts";
import { serverVersion } from "./server-version.ts";
import type { RunningServer } from "./start-server.ts";

/** Starts the server on this machine's clock, for a command. Throws a CommandFailure that says why not. */
export async function startOnMachine(options: {
  readonly config: Config;
  readonly mode: "serve" | "dev";
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}): Promise<RunningServer> {
  const { config, mode, env, signal } = options;
  // Half of what a command takes to load is the server, and most commands run none.
  const [{ startServer }, { createServerLog }] = await Promise.all([
    import("./start-server.ts"),
    import("./server-log.ts"),
  ]);
  return startServer({
    config,
    mode,
    clock: systemClock,
    random: systemRandom,
    ids: createIds(systemClock, systemRandom),
    log: createServerLog(config.settings.logLevel),
    version: serverVersion,
    searchPath: env["PATH"],
    signal,
  }).catch(failStart);
}

/** What stops a start is said in a sentence; anything else is a bug and keeps its stack. */
export function failStart(error: unknown): never {
  if (!(error instanceof ReactorError)) throw error;
  const log = error.details["log"];
  const message =
    typeof log === "string" && log !== "" ? `${error.message}\n${log}` : error.message;
  throw new CommandFailure(message, { next: "reactor doctor", cause: error });
}
