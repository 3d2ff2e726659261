import { detached } from "../base/detached.ts";
import { sha256Hex } from "../base/digest.ts";
import type { Clock } from "../base/clock.ts";
import { scopeCovers } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import type { ApiKeyPlan } from "../domain/plan.ts";
import { anonymousPolicyCaller, type PolicyCaller } from "../domain/policy/policy-facts.ts";
import type { Route } from "../serving/route-table.ts";
import { jwtFault } from "./jwt/jwt-fault.ts";
import type { JwtVerifier, VerifiedToken } from "./jwt/jwt-verifier.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** What a caller was granted on one route. */
export interface Grant {
  /** JSON of the caller in ASCII, as the function gets it; "" for nobody. */
  readonly callerJson: string;
  /** Whether errors may show stack traces and start-up logs. */
  readonly seesStacks: boolean;
  readonly expiresAtMs: number | undefined;
  /** The same caller as policies see it. */
  readonly policyCaller: PolicyCaller;
}

export interface AccessOptions {
  readonly mode: "serve" | "dev";
  readonly clock: Clock;
  /** Absent: this server has no issuer whose tokens it believes. */
  readonly jwt: JwtVerifier | undefined;
}

/** Grants that one route remembers; only good keys are remembered. */
const grantsMax = 256;

/** Decides who may invoke what. Grants are kept with their route, so they go when the plan changes. */
export class Access {
  readonly #mode: "serve" | "dev";
  readonly #clock: Clock;
  readonly #jwt: JwtVerifier | undefined;
  readonly #everybody: Grant;
  readonly #grants = new WeakMap<Route, Map<string, Grant>>();
  /** The grant of a token, which is the same on every route; it goes when the token is forgotten. */
  readonly #tokenGrants = new WeakMap<VerifiedToken, Grant>();

  constructor({ mode, clock, jwt }: AccessOptions) {
    this.#mode = mode;
    this.#clock = clock;
    this.#jwt = jwt;
    this.#everybody = {
      callerJson: "",
      seesStacks: mode === "dev",
      expiresAtMs: undefined,
      policyCaller: anonymousPolicyCaller,
    };
  }

  /** The grant of the request on the route, or the refusal; a promise, which never rejects, for a token that is new. */
  check(
    headers: RequestHeaders,
    route: Route,
  ): Grant | ReactorError | Promise<Grant | ReactorError> {
    const mode = route.edge.access ?? (this.#mode === "dev" ? "public" : "key");
    if (mode === "public") return this.#everybody;
    if (mode === "jwt") return this.#checkToken(headers, route);
    const token = keyOf(headers);
    if (token === undefined) {
      return new ReactorError(
        "auth_required",
        `Cannot invoke "${route.function.name}" without an API key: send "Authorization: Bearer rk_…" or "X-Reactor-Key: rk_…"`,
      );
    }
    const known = this.#grants.get(route)?.get(token);
    if (known !== undefined && !this.#isOver(known.expiresAtMs)) return known;
    return this.#grant(token, route);
  }

  #checkToken(
    headers: RequestHeaders,
    route: Route,
  ): Grant | ReactorError | Promise<Grant | ReactorError> {
    if (this.#jwt === undefined) {
      return new ReactorError(
        "auth_required",
        `Cannot invoke "${route.function.name}": this server does not verify JWTs; its operator sets jwt.issuer, jwt.audience and jwt.jwks_urls or jwt.secret`,
      );
    }
    const token = bearerOf(headers);
    if (token === undefined) return jwtFault("missing");
    const verified = this.#jwt.verify(token);
    return verified instanceof Promise
      ? verified.then((settled) => this.#tokenGrant(settled))
      : this.#tokenGrant(verified);
  }

  #tokenGrant(verified: VerifiedToken | ReactorError): Grant | ReactorError {
    if (verified instanceof ReactorError) return verified;
    const known = this.#tokenGrants.get(verified);
    if (known !== undefined) return known;
    const { subject: id, issuer, claims, expiresAtMs } = verified;
    const grant: Grant = {
      callerJson: asciiJson({ kind: "jwt", id, issuer, claims }),
      seesStacks: this.#mode === "dev",
      expiresAtMs,
      policyCaller: { kind: "jwt", id, name: "", claims },
    };
    this.#tokenGrants.set(verified, grant);
    return grant;
  }

  #grant(token: string, route: Route): Grant | ReactorError {
    const key = route.plan.keys.get(sha256Hex(token));
    if (key === undefined || this.#isOver(key.expiresAtMs)) {
      return new ReactorError(
        "auth_required",
        "The API key is unknown, expired or revoked: send a valid one",
      );
    }
    const { name, project } = route.function;
    const wanted = `functions:${name}:invoke`;
    if ((key.project !== "*" && key.project !== project) || !covers(key, wanted)) {
      return new ReactorError("permission_denied", `The API key lacks the scope "${wanted}"`, {
        details: { scope: wanted },
      });
    }
    const grant: Grant = {
      callerJson: asciiJson({ kind: "key", id: key.keyId, name: key.name }),
      seesStacks: this.#mode === "dev" || covers(key, `functions:${name}:logs`),
      expiresAtMs: key.expiresAtMs,
      policyCaller: { kind: "key", id: key.keyId, name: key.name, claims: {} },
    };
    this.#remember(route, token, grant);
    return grant;
  }

  #remember(route: Route, token: string, grant: Grant): void {
    let grants = this.#grants.get(route);
    if (grants === undefined) {
      grants = new Map();
      this.#grants.set(route, grants);
    }
    if (grants.size >= grantsMax) grants.clear();
    grants.set(detached(token), grant);
  }

  #isOver(expiresAtMs: number | undefined): boolean {
    return expiresAtMs !== undefined && this.#clock.now() >= expiresAtMs;
  }
}

function covers(key: ApiKeyPlan, wanted: string): boolean {
  return key.scopes.some((scope) => scopeCovers(scope, wanted));
}

/** `X-Reactor-Key` wins, so that a function can have `Authorization` for itself. */
function keyOf(headers: RequestHeaders): string | undefined {
  return headers.reactorKey ?? bearerOf(headers);
}

function bearerOf({ authorization }: RequestHeaders): string | undefined {
  if (authorization === undefined || !/^bearer /i.test(authorization)) return undefined;
  return authorization.slice(7).trim();
}

/** Whether the request came with a credential, right or wrong. */
export function hasCredential(headers: RequestHeaders): boolean {
  return headers.reactorKey !== undefined || headers.authorization !== undefined;
}

/** Heads travel as Latin-1 text, so what is not ASCII is escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
