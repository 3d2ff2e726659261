import {
  createLocalJWKSet,
  type CryptoKey,
  errors,
  type JWK,
  type JWSHeaderParameters,
} from "jose";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";

/** Fetches a key set; rejects with why it cannot. */
export type FetchJwks = (url: string, signal: AbortSignal) => Promise<Uint8Array>;

export interface JwksOptions {
  readonly urls: readonly string[];
  readonly fetch: FetchJwks;
  readonly clock: Clock;
  readonly log: Log;
  /** Hears that keys came or went. */
  readonly onChange: () => void;
}

type Match = ReturnType<typeof createLocalJWKSet>;

/** Age at which the keys are fetched anew while the old ones serve. */
const refreshMs = 10 * 60_000;
/** Age at which they serve no more. */
const staleMs = 24 * 60 * 60_000;
/** Shortest time between two fetches, whatever tokens come. */
const cooldownMs = 30_000;
const fetchTimeoutMs = 5000;
const keysMax = 100;

/**
 * The issuer's public keys. They are fetched with the first token, every ten minutes, and when a
 * token names a key that is not among them; at most twice a minute.
 */
export class JwksKeys {
  readonly #options: JwksOptions;
  readonly #sets = new Map<string, { readonly text: string; readonly match: Match }>();
  #fetchedAtMs = -Infinity;
  #triedAtMs = -Infinity;
  #flight: Promise<void> | undefined;

  constructor(options: JwksOptions) {
    this.#options = options;
  }

  /** The key that a header names. Throws `auth_unavailable` without keys, or the library's error. */
  async keyFor(header: JWSHeaderParameters): Promise<CryptoKey> {
    const ageMs = this.#options.clock.monotonicMs() - this.#fetchedAtMs;
    if (ageMs > staleMs) await this.#refresh();
    else if (ageMs > refreshMs) void this.#refresh();
    if (this.#options.clock.monotonicMs() - this.#fetchedAtMs > staleMs) throw unavailable();
    const known = await this.#match(header);
    if (known !== undefined) return known;
    await this.#refresh();
    const found = await this.#match(header);
    if (found !== undefined) return found;
    throw new errors.JWKSNoMatchingKey();
  }

  async #match(header: JWSHeaderParameters): Promise<CryptoKey | undefined> {
    for (const { match } of this.#sets.values()) {
      try {
        return await match(header);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      }
    }
    return undefined;
  }

  /** Fetches all sets; one fetch for all who wait. Does nothing within the cooldown. Never rejects. */
  #refresh(): Promise<void> {
    const { clock } = this.#options;
    if (this.#flight !== undefined) return this.#flight;
    if (clock.monotonicMs() - this.#triedAtMs < cooldownMs) return Promise.resolve();
    this.#triedAtMs = clock.monotonicMs();
    this.#flight = this.#fetchAll().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #fetchAll(): Promise<void> {
    const { urls, clock, onChange } = this.#options;
    const before = [...this.#sets.values()].map(({ text }) => text).join();
    const fetched = await Promise.all(urls.map((url) => this.#fetchOne(url)));
    if (fetched.every(Boolean)) this.#fetchedAtMs = clock.monotonicMs();
    const after = [...this.#sets.values()].map(({ text }) => text).join();
    if (before !== after) onChange();
  }

  async #fetchOne(url: string): Promise<boolean> {
    const { fetch, clock, log } = this.#options;
    const abort = new AbortController();
    const timer = clock.after(fetchTimeoutMs, () =>
      abort.abort(new Error(`no answer within ${fetchTimeoutMs} ms`)),
    );
    try {
      const text = Buffer.from(await fetch(url, abort.signal)).toString();
      this.#sets.set(url, { text, match: createLocalJWKSet({ keys: publicKeys(text) }) });
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("cannot fetch the keys that tokens are checked with", { url, reason });
      return false;
    } finally {
      timer.cancel();
    }
  }
}

/** The RSA and elliptic-curve keys of a set; a symmetric key has no place in what is public. */
function publicKeys(text: string): JWK[] {
  const value: unknown = JSON.parse(text);
  const keys: unknown =
    typeof value === "object" && value !== null && "keys" in value && value.keys;
  if (!Array.isArray(keys)) throw new Error("it is no key set: it has no list of keys");
  if (keys.length > keysMax) throw new Error(`it has ${keys.length} keys, at most ${keysMax}`);
  return keys.filter(isPublicKey);
}

function isPublicKey(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null || !("kty" in key)) return false;
  return key.kty === "RSA" || key.kty === "EC";
}

function unavailable(): ReactorError {
  return new ReactorError(
    "auth_unavailable",
    "Cannot check the token: the issuer's keys cannot be fetched now; try again, and see the server's log",
    { retryAfterSecs: cooldownMs / 1000 },
  );
}
