import { describe, expect, test } from "bun:test";
import { accuse, type PodWitness } from "./accuse.ts";
import { Quarantine } from "./quarantine.ts";

function witness(deploymentId: string, more: Partial<PodWitness> = {}): PodWitness {
  return { deploymentId, isBusy: true, bytes: 10, isSilent: false, ...more };
}

const memory = { reason: "memory", limitMb: 100, peakMb: 101, pod: "pod_1" } as const;
const signal = { reason: "signal", signal: "SIGKILL" } as const;

describe("accuse()", () => {
  test("for memory names the busy worker that held most", () => {
    const witnesses = [
      witness("a", { bytes: 5 }),
      witness("b", { bytes: 50 }),
      witness("idle", { bytes: 90, isBusy: false }),
    ];
    expect([...accuse(memory, witnesses)]).toEqual(["b"]);
  });

  test("for memory names those that did not yield too, since their measurements are old", () => {
    const witnesses = [witness("a", { bytes: 50 }), witness("b", { bytes: 5, isSilent: true })];
    expect([...accuse(memory, witnesses)].sort()).toEqual(["a", "b"]);
  });

  test("for memory looks at idle workers when none was busy: they may have timers", () => {
    const idle = { isBusy: false };
    const witnesses = [witness("a", { ...idle, bytes: 50 }), witness("b", { ...idle, bytes: 5 })];
    expect([...accuse(memory, witnesses)]).toEqual(["a"]);
  });

  test("for anything else names all that were busy, and nobody when none was", () => {
    const witnesses = [witness("a"), witness("a"), witness("b"), witness("c", { isBusy: false })];
    expect([...accuse(signal, witnesses)]).toEqual(["a", "b"]);
    expect([...accuse(signal, [witness("c", { isBusy: false })])]).toEqual([]);
    expect([...accuse(memory, [])]).toEqual([]);
  });
});

describe("Quarantine", () => {
  test("holds a deployment from its second accusation on, and says so once", () => {
    const quarantine = new Quarantine();
    expect(quarantine.accuse("a")).toBe(false);
    expect(quarantine.holds("a")).toBe(false);
    expect(quarantine.accuse("a")).toBe(true);
    expect(quarantine.holds("a")).toBe(true);
    expect(quarantine.accuse("a")).toBe(false);
    expect(quarantine.holds("b")).toBe(false);
  });

  test("remembers a bounded number, the latest accusations longest", () => {
    const quarantine = new Quarantine();
    for (let time = 0; time < 2; time++) quarantine.accuse("old");
    for (let n = 0; n < 9_999; n++) quarantine.accuse(`d${n}`);
    expect(quarantine.holds("old")).toBe(true);
    quarantine.accuse("one more");
    expect(quarantine.holds("old")).toBe(false);
  });
});
