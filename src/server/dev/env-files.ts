import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseEnv } from "node:util";
import { ClientError, type ClientErrorCode } from "../../client/client-error.ts";
import type { ReactorClient } from "../../client/client.ts";

/** In order: a later one's value wins. */
const envFileNames = [".env", ".env.local"];
const goneCodes: ReadonlySet<ClientErrorCode> = new Set(["not_found", "env_key_invalid"]);

export interface EnvChange {
  readonly set: readonly string[];
  readonly unset: readonly string[];
  /** Keys that the server refused, and why. */
  readonly refused: readonly string[];
}

/** Keeps the project's env at what its `.env` files say. Values are stored as secrets are. */
export class EnvFiles {
  readonly #root: string;
  readonly #reactor: ReactorClient;
  /** Names of the keys that were set, one a line: a dev that was killed could not take them out. */
  readonly #record: string;
  /** What was sent last; a key that a killed dev left has no known value. */
  #current: Map<string, string | undefined> | undefined;

  constructor(root: string, record: string, reactor: ReactorClient) {
    this.#root = root;
    this.#record = record;
    this.#reactor = reactor;
  }

  isOne(file: string): boolean {
    return path.dirname(file) === this.#root && envFileNames.includes(path.basename(file));
  }

  /** Reads the files and sends what is different from last time. */
  async apply(): Promise<EnvChange> {
    const current = (this.#current ??= await this.#left());
    const wanted = await this.#read();
    const changed = [...wanted].filter(([key, value]) => current.get(key) !== value);
    const set: string[] = [];
    const unset: string[] = [];
    const refused: string[] = [];
    if (changed.length > 0) await this.#remember([...current.keys(), ...wanted.keys()]);
    for (const [key, value] of changed) {
      try {
        await this.#reactor.setProjectEnv({ key, value, secret: true });
        current.set(key, value);
        set.push(key);
      } catch (error) {
        refused.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    for (const key of [...current.keys()].filter((known) => !wanted.has(known))) {
      await this.#unset(key);
      current.delete(key);
      unset.push(key);
    }
    if (changed.length + unset.length > 0) await this.#remember(current.keys());
    return { set, unset, refused };
  }

  /** Takes everything out again. */
  async clear(): Promise<void> {
    const current = (this.#current ??= await this.#left());
    for (const key of current.keys()) await this.#unset(key);
    current.clear();
    await rm(this.#record, { force: true });
  }

  async #unset(key: string): Promise<void> {
    try {
      await this.#reactor.unsetProjectEnv(key);
    } catch (error) {
      // Somebody took it out by hand, or the kill came before it was set or refused.
      const isGone = error instanceof ClientError && goneCodes.has(error.code);
      if (!isGone) throw error;
    }
  }

  async #remember(keys: Iterable<string>): Promise<void> {
    await writeFile(this.#record, [...new Set(keys)].map((key) => `${key}\n`).join(""));
  }

  /** What an earlier dev left. */
  async #left(): Promise<Map<string, string | undefined>> {
    const keys = (await textOf(this.#record)).split("\n").filter((key) => key !== "");
    return new Map(keys.map((key) => [key, undefined]));
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    const values = new Map<string, string>();
    for (const name of envFileNames) {
      const text = await textOf(path.join(this.#root, name));
      for (const [key, value] of Object.entries(parseEnv(text))) values.set(key, value ?? "");
    }
    return values;
  }
}

/** The file's text; empty when there is none. */
async function textOf(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
}
