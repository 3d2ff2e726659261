import { anonymousCaller, type Caller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import { isLoopback } from "./edge.ts";
import type { FailureLimit } from "../http/failure-limit.ts";
import { headerValue } from "../http/header-value.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { AdminServices } from "./services.ts";

/** Who a request without a key is in `dev` on loopback. */
const devCaller: Caller = { kind: "system", id: "dev", project: "*", scopes: ["*"] };

/** A real key is far shorter; longer text is not even hashed. */
const keyLengthMax = 200;

export interface Admission {
  readonly caller: Caller;
  /** Whether the same credential would still be admitted; for answers that last. */
  readonly mayGoOn: () => boolean;
}

/** Who sends the request. Throws `auth_required`, or `too_many_requests` to an address that keeps guessing. */
export function admitRequest(
  http: HttpExchange,
  options: {
    readonly open: boolean;
    readonly services: AdminServices;
    readonly failures: FailureLimit;
  },
): Admission {
  const { open, services, failures } = options;
  const { mode, control, clientAddress } = services;
  if (open) return { caller: anonymousCaller, mayGoOn: () => true };
  const address = clientAddress ? clientAddress(http) : http.remoteAddress;
  const key = credential(http.headers);
  if (key === undefined) {
    if (mode === "dev" && isLoopback(address)) return { caller: devCaller, mayGoOn: () => true };
    throw new ReactorError(
      "auth_required",
      "An API key is required: send `Authorization: Bearer rk_…`",
    );
  }
  failures.check(address);
  const caller = key.length > keyLengthMax ? undefined : control.authenticate(key);
  if (caller) return { caller, mayGoOn: () => control.authenticate(key) !== undefined };
  failures.failed(address);
  throw new ReactorError(
    "auth_required",
    "The API key is unknown, expired or revoked; make one with `reactor keys create`",
  );
}

/** The key that a request carries. `X-Reactor-Key` leaves `Authorization` to others. */
function credential(headers: readonly string[]): string | undefined {
  const own = headerValue(headers, "x-reactor-key");
  if (own !== undefined && own !== "") return own;
  const authorization = headerValue(headers, "authorization");
  if (authorization === undefined) return undefined;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization);
  if (bearer?.[1] !== undefined) return bearer[1];
  throw new ReactorError(
    "auth_required",
    "The Authorization header holds no API key: send `Authorization: Bearer rk_…`",
  );
}
