import { decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import type { Clock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import type { Log } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import { isBoundedClaim } from "../../domain/policy/claim-limits.ts";
import { type FetchJwks, JwksKeys } from "./jwks-keys.ts";
import { jwtFault, jwtReasonOf } from "./jwt-fault.ts";
import type { JwtRules } from "./jwt-rules.ts";

/** Who a token speaks for. */
export interface VerifiedToken {
  /** "" when the token names none. */
  readonly subject: string;
  readonly issuer: string;
  /** Those of `JwtRules.claims` that it has. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When it is believed no more. */
  readonly expiresAtMs: number;
}

export interface JwtVerifier {
  /**
   * Who the token speaks for, or why it is not believed: `auth_required` with `details.reason`, or
   * `auth_unavailable`. At once for a token that was seen before; otherwise a promise, which never rejects.
   */
  verify(token: string): VerifiedToken | ReactorError | Promise<VerifiedToken | ReactorError>;
}

export interface JwtVerifierOptions {
  readonly rules: JwtRules;
  readonly fetchJwks: FetchJwks;
  readonly clock: Clock;
  readonly log: Log;
}

/** Longest token in characters; most are below 2,000. */
const tokenLengthMax = 8192;
/** Good tokens that are remembered. */
const tokensMax = 4096;

export function createJwtVerifier(options: JwtVerifierOptions): JwtVerifier {
  const { rules, clock, log } = options;
  // By digest, so that a credential is nowhere in memory longer than its request.
  const known = new Map<string, VerifiedToken>();
  const keys = new JwksKeys({
    urls: rules.jwksUrls,
    fetch: options.fetchJwks,
    clock,
    log,
    onChange: () => known.clear(),
  });
  const check = async (token: string, digest: string): Promise<VerifiedToken | ReactorError> => {
    try {
      const verified = await verifyToken(token, { rules, keys, clock });
      if (known.size >= tokensMax) known.clear();
      known.set(digest, verified);
      return verified;
    } catch (error) {
      if (error instanceof ReactorError) return error;
      const reason = jwtReasonOf(error);
      if (reason !== undefined) return jwtFault(reason);
      log.error("checking a token failed", { error: String(error) });
      return jwtFault("malformed");
    }
  };
  return {
    verify(token) {
      if (token.length > tokenLengthMax) return jwtFault("too_large");
      const digest = sha256Hex(token);
      const verified = known.get(digest);
      if (verified === undefined) return check(token, digest);
      if (clock.now() < verified.expiresAtMs) return verified;
      known.delete(digest);
      return jwtFault("expired");
    },
  };
}

interface Tools {
  readonly rules: JwtRules;
  readonly keys: JwksKeys;
  readonly clock: Clock;
}

async function verifyToken(token: string, { rules, keys, clock }: Tools): Promise<VerifiedToken> {
  const algorithm = algorithmOf(token);
  const options: JWTVerifyOptions = {
    algorithms: [algorithm],
    issuer: rules.issuer,
    audience: [...rules.audiences],
    requiredClaims: ["iss", "aud", "exp"],
    clockTolerance: rules.leewaySecs,
    currentDate: new Date(clock.now()),
  };
  const { payload } = await verifyWith(token, options, { rules, keys, algorithm });
  return readPayload(payload, rules);
}

/**
 * Which kind of key a token may be checked with is decided here, by what the operator set and not by
 * the key that is found: HS256 goes with the secret and nothing else, so a token that is "signed"
 * with a public key as if it were a secret finds no key.
 */
function verifyWith(
  token: string,
  options: JWTVerifyOptions,
  { rules, keys, algorithm }: Omit<Tools, "clock"> & { readonly algorithm: string },
): ReturnType<typeof jwtVerify> {
  if (algorithm === "HS256") {
    if (rules.secret === undefined) throw jwtFault("algorithm");
    return jwtVerify(token, rules.secret, options);
  }
  if (rules.jwksUrls.length === 0 || !rules.algorithms.includes(algorithm)) {
    throw jwtFault("algorithm");
  }
  return jwtVerify(token, (header) => keys.keyFor(header), options);
}

function algorithmOf(token: string): string {
  try {
    const { alg } = decodeProtectedHeader(token);
    if (typeof alg === "string") return alg;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  throw jwtFault("malformed");
}

function readPayload(payload: JWTPayload, rules: JwtRules): VerifiedToken {
  const { sub, iss, exp } = payload;
  if (iss === undefined || exp === undefined || (sub !== undefined && typeof sub !== "string")) {
    throw jwtFault("claims");
  }
  const claims: [string, unknown][] = [];
  for (const name of rules.claims) {
    if (!Object.hasOwn(payload, name)) continue;
    if (!isBoundedClaim(payload[name])) throw jwtFault("claims");
    claims.push([name, payload[name]]);
  }
  return Object.freeze({
    subject: sub ?? "",
    issuer: iss,
    claims: Object.freeze(Object.fromEntries(claims)),
    expiresAtMs: (exp + rules.leewaySecs) * 1000,
  });
}
