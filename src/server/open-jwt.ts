import { lookup } from "node:dns/promises";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { createDownload } from "../dependencies/download.ts";
import { createEgressDecider } from "../domain/egress-decision.ts";
import { createJwtVerifier, type JwtVerifier } from "../gateway/jwt/jwt-verifier.ts";
import type { Settings } from "./config/settings.ts";
import { ownAddresses } from "./own-addresses.ts";

const jwksBytesMax = 256 * 1024;

/** Opens what checks tokens; undefined when the operator named no issuer. */
export function openJwt(options: {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly log: Log;
}): JwtVerifier | undefined {
  const { settings, clock, log } = options;
  const { jwtIssuer: issuer, jwtSecret } = settings;
  if (issuer === undefined) return undefined;
  // The keys come under the same egress rules as what functions fetch.
  const download = createDownload({
    decide: createEgressDecider({
      privateAllow: settings.egressPrivateAllow,
      ...ownAddresses,
      resolve: async (host) => (await lookup(host, { all: true })).map((found) => found.address),
    }),
    clock,
    idleTimeoutMs: 5000,
    retryDelaysMs: [],
  });
  return createJwtVerifier({
    rules: {
      issuer,
      audiences: settings.jwtAudience,
      secret: jwtSecret === undefined ? undefined : Buffer.from(jwtSecret),
      jwksUrls: settings.jwtJwksUrls,
      algorithms: settings.jwtAlgorithms,
      leewaySecs: settings.jwtLeewaySecs,
      claims: settings.jwtClaims,
    },
    async fetchJwks(url, signal) {
      const request = { url, what: "the key set", bytesMax: jwksBytesMax };
      try {
        return await download({ ...request, accept: "application/json" }, signal);
      } catch (error) {
        throw new Error(reasonOf(error), { cause: error });
      }
    },
    clock,
    log,
  });
}

/** The reason without what the downloader says about its own purpose, which is packages. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message
    .replace("Cannot install the function's dependencies: ", "")
    .replace("functions.npm_registry or ", "");
}
