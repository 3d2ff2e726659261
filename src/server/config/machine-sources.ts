import { availableParallelism } from "node:os";
import { readConfigFile } from "./config-file.ts";
import type { ConfigSources, Environment } from "./load-config.ts";

/** The sources of `loadConfig` on this machine: its disk, cores and user. */
export function machineSources(given: {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly cwd: string;
}): ConfigSources {
  const uid = process.getuid?.() ?? 0;
  return { ...given, readFile: readConfigFile, cores: availableParallelism(), uid };
}
