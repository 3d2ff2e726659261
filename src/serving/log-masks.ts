import { createSecretMask, type SecretMask } from "../domain/mask-secrets.ts";
import type { LogLine } from "../domain/invocation.ts";

/** Sets of values kept of each function; the oldest go first. */
const setsMax = 64;
/** Passwords and port numbers are short. */
const shortestMasked = 4;

/** Values that functions were handed by an invocation and that their logs must not show. */
export class LogMasks {
  readonly #sets = new Map<string, Map<string, SecretMask>>();

  /**
   * From now on masks values of 4 or more characters in the function's lines. They stay masked after
   * the invocation: an instance may remember them as long as it lives.
   */
  add(functionId: string, values: readonly string[]): void {
    const sets = this.#sets.get(functionId) ?? new Map<string, SecretMask>();
    this.#sets.set(functionId, sets);
    const key = JSON.stringify(values);
    // Known ones become the newest.
    sets.delete(key);
    sets.set(key, createSecretMask(Object.fromEntries(values.entries()), shortestMasked));
    if (sets.size > setsMax) sets.delete(sets.keys().next().value ?? key);
  }

  masked(line: LogLine): LogLine {
    const sets = this.#sets.get(line.functionId);
    if (sets === undefined) return line;
    let { message } = line;
    for (const mask of sets.values()) message = mask(message);
    return { ...line, message };
  }
}
