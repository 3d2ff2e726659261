import type { ControlPlane } from "../control/control-plane.ts";
import { anonymousCaller, type Caller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import { isLoopback } from "./edge.ts";
import type { FailureLimit } from "../http/failure-limit.ts";

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
export function admitRequest(options: {
  headers: Headers;
  /** The client's address; undefined when there is no connection. */
  address: string | undefined;
  open: boolean;
  mode: "serve" | "dev";
  control: ControlPlane;
  failures: FailureLimit;
}): Admission {
  const { headers, address, open, mode, control, failures } = options;
  if (open) return { caller: anonymousCaller, mayGoOn: () => true };
  const key = credential(headers);
  if (key === undefined) {
    if (mode === "dev" && isLoopback(address)) return { caller: devCaller, mayGoOn: () => true };
    throw new ReactorError(
      "auth_required",
      "An API key is required: send `Authorization: Bearer rk_…`",
    );
  }
  const from = address ?? "unknown";
  failures.check(from);
  const caller = key.length > keyLengthMax ? undefined : control.authenticate(key);
  if (caller) return { caller, mayGoOn: () => control.authenticate(key) !== undefined };
  failures.failed(from);
  throw new ReactorError(
    "auth_required",
    "The API key is unknown, expired or revoked; make one with `reactor keys create`",
  );
}

/** The key that a request carries. `X-Reactor-Key` leaves `Authorization` to others. */
function credential(headers: Headers): string | undefined {
  const own = headers.get("x-reactor-key")?.trim();
  if (own !== undefined && own !== "") return own;
  const authorization = headers.get("authorization");
  if (authorization === null) return undefined;
  const bearer = /^bearer +(\S+) *$/i.exec(authorization);
  if (bearer?.[1] !== undefined) return bearer[1];
  throw new ReactorError(
    "auth_required",
    "The Authorization header holds no API key: send `Authorization: Bearer rk_…`",
  );
}
