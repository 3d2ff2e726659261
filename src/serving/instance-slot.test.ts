import { describe, expect, test } from "bun:test";
import { InstanceSlot, type SlotState } from "./instance-slot.ts";

const paths: Record<SlotState, readonly SlotState[]> = {
  starting: [],
  ready: ["ready"],
  draining: ["ready", "draining"],
  exited: ["exited"],
};
const legal: readonly (readonly [SlotState, SlotState])[] = [
  ["starting", "ready"],
  ["starting", "exited"],
  ["ready", "draining"],
  ["ready", "exited"],
  ["draining", "exited"],
];
const states: readonly SlotState[] = ["starting", "ready", "draining", "exited"];

function slotIn(state: SlotState): InstanceSlot {
  const slot = new InstanceSlot();
  for (const step of paths[state]) slot.moveTo(step);
  return slot;
}

describe("InstanceSlot.moveTo()", () => {
  for (const from of states) {
    for (const to of states) {
      const allowed = legal.some(([a, b]) => a === from && b === to);
      test(`${allowed ? "allows" : "refuses"} ${from} -> ${to}`, () => {
        const slot = slotIn(from);
        if (!allowed) expect(() => slot.moveTo(to)).toThrow(`slot moves ${from} -> ${to}`);
        else {
          slot.moveTo(to);
          expect(slot.state).toBe(to);
        }
      });
    }
  }

  test("a slot without an instance says so instead of handing out nothing", () => {
    expect(() => new InstanceSlot().instance).toThrow("has not started");
  });
});
