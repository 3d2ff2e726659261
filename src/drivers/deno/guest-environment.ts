import { deno, type DenoEnv } from "./deno-api.ts";

/**
 * Gives the function an environment of its own in place of the process's, which it has no permission
 * to read: memory that holds what it declares and what it sets itself. Returns the memory.
 *
 * `process.env` and everything that imports it from node:process go through `Deno.env` at each use.
 * So do modules of Deno's own that look for NODE_OPTIONS when they are first loaded, and break when
 * they are refused: a key that is not declared is undefined in both, not an error.
 */
export function replaceEnvironment(): Record<string, string | undefined> {
  const values: Record<string, string | undefined> = Object.create(null);
  const memory: DenoEnv = {
    get: (key) => values[key],
    has: (key) => values[key] !== undefined,
    set(key, value) {
      values[key] = String(value);
    },
    delete(key) {
      delete values[key];
    },
    toObject: () => ({ ...(values as Record<string, string>) }),
  };
  Object.assign(deno.env, memory);
  return values;
}
