import { ReactorError } from "../domain/errors.ts";
import type { AsyncWishes } from "../serving/async-intake.ts";
import type { RequestHeaders } from "./request-headers.ts";

const keyLengthMax = 256;
const delaySecsMax = 2_592_000;

/** What the request's headers ask of a queued invocation. */
export function asyncWishes(headers: RequestHeaders): AsyncWishes | ReactorError {
  const { idempotencyKey, orderingKey, delay } = headers;
  const long = [
    ["Idempotency-Key", idempotencyKey],
    ["X-Reactor-Ordering-Key", orderingKey],
  ].find(([, key]) => key !== undefined && (key === "" || key.length > keyLengthMax));
  if (long !== undefined) {
    return refused(`${long[0]} must have 1 to ${keyLengthMax} characters`);
  }
  const delaySecs = delay === undefined ? 0 : readSeconds(delay);
  if (delaySecs === undefined) {
    return refused(`X-Reactor-Delay must be seconds, from 0 to ${delaySecsMax}`);
  }
  return { idempotencyKey, orderingKey, delayMs: Math.round(delaySecs * 1000) };
}

function readSeconds(text: string): number | undefined {
  if (!/^[0-9]{1,7}(?:\.[0-9]{1,3})?$/.test(text)) return undefined;
  const secs = Number(text);
  return secs <= delaySecsMax ? secs : undefined;
}

function refused(why: string): ReactorError {
  return new ReactorError("invalid_request", `Cannot queue the request: its header ${why}`);
}
