import type { Environment } from "./load-config.ts";

/** The environment that this process was started with. Nothing else in the host reads it. */
export function processEnvironment(): Environment {
  return process.env;
}
