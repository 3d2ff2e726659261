import { availableParallelism, totalmem } from "node:os";
import { readConfigFile } from "./config-file.ts";
import type { ConfigSources, Environment } from "./load-config.ts";

/** The sources of `loadConfig` on this machine: its disk, cores, memory and user. */
export function machineSources(given: {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Environment;
  readonly cwd: string;
}): ConfigSources {
  const uid = process.getuid?.() ?? 0;
  const memoryMb = Math.floor(totalmem() / 1_048_576);
  return { ...given, readFile: readConfigFile, cores: availableParallelism(), memoryMb, uid };
}
