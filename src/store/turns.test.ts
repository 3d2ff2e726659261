import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { Turns } from "./turns.ts";
import { rejectionOf } from "./testing/rejection.ts";

function createTurns(slots: number, waitingMax = 10) {
  const clock = createVirtualClock();
  return { clock, turns: new Turns({ name: "write", clock, slots, waitingMax, waitMsMax: 100 }) };
}

describe("turns", () => {
  test("are given in the order they were asked for, as many at once as there are slots", async () => {
    const { turns } = createTurns(2);
    const [a, b] = [await turns.take(), await turns.take()];
    const order: string[] = [];
    const third = turns.take().then((turn) => (order.push("third"), turn));
    const fourth = turns.take().then((turn) => (order.push("fourth"), turn));
    expect(new Set([a.slot, b.slot])).toEqual(new Set([0, 1]));
    b.release();
    expect((await third).slot).toBe(b.slot);
    a.release();
    expect((await fourth).slot).toBe(a.slot);
    expect(order).toEqual(["third", "fourth"]);
  });

  test("releasing twice gives one slot", async () => {
    const { turns } = createTurns(1, 0);
    const turn = await turns.take();
    turn.release();
    turn.release();
    await turns.take();
    expect(await rejectionOf(turns.take())).toMatchObject({ code: "storage_unavailable" });
  });

  test("a wait is refused after its bound, and the one behind it still gets its turn", async () => {
    const { clock, turns } = createTurns(1);
    const turn = await turns.take();
    const late = turns.take().catch((error: unknown) => error);
    await clock.advance(60);
    const patient = turns.take();
    await clock.advance(60);
    expect(await late).toMatchObject({ code: "storage_unavailable", retryAfterSecs: 1 });
    turn.release();
    expect((await patient).slot).toBe(0);
  });

  test("one more than may wait is refused at once", async () => {
    const { turns } = createTurns(1, 1);
    await turns.take();
    const waiting = turns.take().catch((error: unknown) => error);
    expect(String(await rejectionOf(turns.take()))).toContain("1 writes are waiting");
    const closing = turns.close();
    expect(await waiting).toMatchObject({ code: "storage_unavailable" });
    void closing;
  });
});
