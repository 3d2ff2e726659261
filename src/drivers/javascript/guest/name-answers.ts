import type { LookupHost } from "../../guest/egress-lookup.ts";
import { loadBuiltin } from "./load-builtin.ts";

/** What node:dns answers, out of the addresses that the egress relay gives. */
export class NameAnswers {
  readonly #lookupHost: LookupHost;
  readonly #isIP = loadBuiltin("node:net").isIP;

  constructor(lookupHost: LookupHost) {
    this.#lookupHost = lookupHost;
  }

  /** Whether the runtime's own lookup knows the answer, as for addresses. */
  isOwn(host: unknown): boolean {
    return typeof host !== "string" || host === "" || this.#isIP(host) !== 0;
  }

  /** `dns.promises.lookup`: the first address with its family, or all of them. */
  async lookup(host: string, given: unknown): Promise<unknown> {
    const { family, all } = lookupOptions(given);
    const found = await this.#addresses(host, "getaddrinfo");
    const fit = found.filter((address) => family === 0 || this.#isIP(address) === family);
    if (fit.length === 0) throw nameError("ENOTFOUND", "getaddrinfo", host);
    const answers = fit.map((address) => ({ address, family: this.#isIP(address) }));
    return all ? answers : answers[0];
  }

  /** `resolve4`, `resolve6` and `resolve`: addresses of one family. */
  async resolve(host: string, family: 4 | 6, given: unknown): Promise<unknown> {
    const query = family === 4 ? "queryA" : "queryAaaa";
    const found = await this.#addresses(host, query);
    const fit = found.filter((address) => this.#isIP(address) === family);
    if (fit.length === 0) throw nameError("ENODATA", query, host);
    const withTtl = typeof given === "object" && given !== null && Reflect.get(given, "ttl");
    // The relay does not tell how long an answer holds.
    return withTtl === true ? fit.map((address) => ({ address, ttl: 0 })) : fit;
  }

  async #addresses(host: string, syscall: string): Promise<readonly string[]> {
    // The sandbox has no file of hosts, and its own loopback is what these mean.
    if (host === "localhost" || host.endsWith(".localhost")) return ["127.0.0.1", "::1"];
    try {
      return await this.#lookupHost(host);
    } catch (error) {
      // The code that clients know for a name without address; other refusals keep the platform's.
      const isMissing =
        error instanceof Error && Reflect.get(error, "code") === "egress_unreachable";
      if (!isMissing) throw error;
      throw Object.assign(nameError("ENOTFOUND", syscall, host), { cause: error });
    }
  }
}

/** Says which lookups there are, in place of a question that would never be answered. */
export function unanswered(what: string, host: unknown): Error {
  const message = `Cannot look up ${what} of ${JSON.stringify(host)}: the egress relay answers names with their addresses only, by lookup, resolve4 and resolve6`;
  return Object.assign(new Error(message), { code: "egress_unsupported" });
}

function nameError(code: string, syscall: string, hostname: string): Error {
  const message = `${syscall} ${code} ${hostname}`;
  return Object.assign(new Error(message), { code, syscall, hostname });
}

function lookupOptions(given: unknown): { family: 0 | 4 | 6; all: boolean } {
  const isObject = typeof given === "object" && given !== null;
  const family: unknown = isObject ? Reflect.get(given, "family") : given;
  const all = isObject && Reflect.get(given, "all") === true;
  if (family === 4 || family === "IPv4") return { family: 4, all };
  if (family === 6 || family === "IPv6") return { family: 6, all };
  return { family: 0, all };
}
