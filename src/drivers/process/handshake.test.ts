import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import { handshake } from "./handshake.ts";

function race() {
  const clock = createVirtualClock();
  const ready = createDeferred<void>();
  const exit = createDeferred<InstanceExit>();
  const abort = new AbortController();
  const outcome = handshake({
    ready: ready.promise,
    exit: exit.promise,
    clock,
    untilMs: 100,
    signal: abort.signal,
  });
  return { clock, ready, exit, abort, outcome };
}

describe("handshake", () => {
  test("readiness wins when it comes first", async () => {
    const { ready, exit, outcome } = race();
    ready.resolve();
    exit.resolve({ reason: "exited", code: 1 });
    expect(await outcome).toEqual({ kind: "ready" });
  });

  test("an exit ends it with its reason", async () => {
    const { exit, outcome } = race();
    exit.resolve({ reason: "exited", code: 1 });
    expect(await outcome).toEqual({ kind: "exited", exit: { reason: "exited", code: 1 } });
  });

  test("the time runs out exactly at its end", async () => {
    const { clock, outcome } = race();
    let settled = false;
    void outcome.finally(() => {
      settled = true;
    });
    await clock.advance(99);
    expect(settled).toBe(false);
    await clock.advance(1);
    expect(await outcome).toEqual({ kind: "timeout" });
  });

  test("an abort ends it, also one from before", async () => {
    const { abort, outcome } = race();
    abort.abort();
    expect(await outcome).toEqual({ kind: "aborted" });
    const { promise } = createDeferred<never>();
    const clock = createVirtualClock();
    const signal = AbortSignal.abort();
    expect(await handshake({ ready: promise, exit: promise, clock, untilMs: 1, signal })).toEqual({
      kind: "aborted",
    });
  });
});
