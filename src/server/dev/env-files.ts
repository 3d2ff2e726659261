import { readFile } from "node:fs/promises";
import path from "node:path";
import { parseEnv } from "node:util";
import type { ReactorClient } from "../../client/client.ts";

/** In order: a later one's value wins. */
const envFileNames = [".env", ".env.local"];

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
  readonly #current = new Map<string, string>();

  constructor(root: string, reactor: ReactorClient) {
    this.#root = root;
    this.#reactor = reactor;
  }

  isOne(file: string): boolean {
    return path.dirname(file) === this.#root && envFileNames.includes(path.basename(file));
  }

  /** Reads the files and sends what is different from last time. */
  async apply(): Promise<EnvChange> {
    const wanted = await this.#read();
    const set: string[] = [];
    const unset: string[] = [];
    const refused: string[] = [];
    for (const [key, value] of wanted) {
      if (this.#current.get(key) === value) continue;
      try {
        await this.#reactor.setProjectEnv({ key, value, secret: true });
        this.#current.set(key, value);
        set.push(key);
      } catch (error) {
        refused.push(`${key}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    for (const key of [...this.#current.keys()].filter((known) => !wanted.has(known))) {
      await this.#reactor.unsetProjectEnv(key);
      this.#current.delete(key);
      unset.push(key);
    }
    return { set, unset, refused };
  }

  /** Takes everything out again. */
  async clear(): Promise<void> {
    for (const key of this.#current.keys()) await this.#reactor.unsetProjectEnv(key);
    this.#current.clear();
  }

  async #read(): Promise<ReadonlyMap<string, string>> {
    const values = new Map<string, string>();
    for (const name of envFileNames) {
      const text = await readFile(path.join(this.#root, name), "utf8").catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
        throw error;
      });
      for (const [key, value] of Object.entries(parseEnv(text))) values.set(key, value ?? "");
    }
    return values;
  }
}
