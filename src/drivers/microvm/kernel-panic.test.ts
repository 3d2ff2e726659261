import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { systemClock } from "../../base/clock.ts";
import { CaseContext } from "../suite/case-context.ts";
import { scenario } from "../suite/scenario.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { openTestMicrovms } from "./test-driver.harness.ts";

const deadlineMs = 120_000;
const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
/** What a kernel is told so that a function can make it give up: it does when its memory is full. */
const panicsWhenFull = "sysctl.vm.panic_on_oom=1";

/** /waits is answered never, /fill takes all memory. */
const fills = scenario(
  "fills",
  `export default { fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/waits": return new Promise(() => {});
    case "/fill": for (const kept = []; ; ) kept.push(new Uint8Array(4 * 1024 * 1024).fill(1));
  }
  return new Response("alive");
} };`,
);

describe.if(microvmMissing === undefined)(`a kernel that gives up${because}`, () => {
  const microvms = openTestMicrovms("bun");

  test(
    "ends its own instance as a panic, with every call that ran in it, and nothing else; nothing of it is left",
    async () => {
      const source = microvms.sourceWith(panicsWhenFull);
      const harness = microvms.harness({}, { source });
      const [slots = ""] = harness.folders ?? [];
      const context = new CaseContext({ harness, clock: systemClock, deadlineMs, runtime: "bun" });
      try {
        const [culprit, neighbour] = await Promise.all([
          context.start(fills, { memoryMb: 128 }),
          context.start(fills, { memoryMb: 128 }),
        ]);
        const { pids } = culprit;
        expect(pids.length).toBeGreaterThan(0);
        const waiting = context.call(culprit, { path: "/waits" });
        const filling = context.call(culprit, { path: "/fill" });
        const exit = await context.within(culprit.exit, "the kernel to give up");
        expect(exit).toEqual({ reason: "panic" });
        for (const call of [waiting, filling]) {
          expect((await context.done(call)).failure).toEqual({ kind: "exited", exit });
        }
        expect((await context.ok(neighbour)).text()).toBe("alive");
        expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
        expect(readdirSync(slots)).toHaveLength(1);
        await neighbour.stop({ graceMs: 0 });
        expect(readdirSync(slots)).toEqual([]);
      } finally {
        await harness.close();
      }
    },
    deadlineMs,
  );
});
