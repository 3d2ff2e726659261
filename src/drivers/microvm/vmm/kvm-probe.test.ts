import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVirtualClock, systemClock } from "../../../base/clock.ts";
import { findKvm, proveKvm, recallVerdict, rememberVerdict } from "./kvm-probe.ts";
import type { Machines } from "./machines.ts";
import { makeTestFolder, openTestMachines, removeTestFolder } from "./testing/open-machines.ts";
import { tinyImage, tinyImageMissing } from "./testing/tiny-image.ts";

const folder = makeTestFolder();
const limitMs = 120_000;
const never = new AbortController().signal;
const asRoot = process.getuid?.() === 0;

afterAll(() => removeTestFolder(folder));

test.if(asRoot).each([
  { mode: 0o666, group: 0, isOpen: true, gid: undefined },
  { mode: 0o660, group: 104, isOpen: true, gid: 104 },
  { mode: 0o660, group: 0, isOpen: false, gid: undefined },
  { mode: 0o600, group: 104, isOpen: false, gid: undefined },
  { mode: 0o644, group: 104, isOpen: false, gid: undefined },
])("a device of mode $mode and group $group can be opened by machines: $isOpen", (row) => {
  const path = join(folder, "device");
  writeFileSync(path, "");
  chownSync(path, 0, row.group);
  chmodSync(path, row.mode);
  const { device, finding } = findKvm(path);
  expect(device).toEqual(row.isOpen ? { path, gid: row.gid } : undefined);
  if (!row.isOpen) expect(finding).toContain(`chmod 660 ${path}`);
});

test("a machine without the device has no hardware virtualisation", () => {
  const { device, finding } = findKvm(join(folder, "none"));
  expect(device).toBeUndefined();
  expect(finding).toContain("there is no");
});

test("a verdict is remembered until the machine or the monitor is another", () => {
  const path = join(folder, "kvm.json");
  expect(recallVerdict(path, "7.2")).toBeUndefined();
  rememberVerdict(path, "7.2", { device: undefined, finding: "silent" });
  expect(recallVerdict(path, "7.2")).toEqual({ device: undefined, finding: "silent" });
  expect(recallVerdict(path, "8.0")).toBeUndefined();
  for (const text of ["", "[]", "null", '{"bootId":"x","version":"7.2","finding":"y"}']) {
    writeFileSync(path, text);
    expect(recallVerdict(path, "7.2")).toBeUndefined();
  }
});

describe.if(tinyImageMissing === undefined)("proving it by booting", () => {
  const home = makeTestFolder();
  const device = { path: "/dev/kvm", gid: undefined };
  let machines: Machines;

  beforeAll(async () => {
    machines = await openTestMachines(home);
  });

  afterAll(async () => {
    await machines.close();
    removeTestFolder(home);
  });

  /** What boots in place of a machine with hardware virtualisation: an emulated one. */
  const boot = (_device: unknown, signal: AbortSignal) =>
    machines.boot({ image: tinyImage(home), memoryMb: 128, vcpu: 1 }, signal);

  test(
    "a machine that says a word proves it",
    async () => {
      const verdict = await proveKvm({ device, boot, clock: systemClock, signal: never });
      expect(verdict).toEqual({ device, finding: "a machine booted with /dev/kvm" });
    },
    limitMs,
  );

  test(
    "a machine that says nothing in time disproves it, and is stopped",
    async () => {
      const clock = createVirtualClock();
      const stopped = Promise.withResolvers<string>();
      const silent = async (_device: unknown, signal: AbortSignal) => {
        const machine = await boot(_device, signal);
        void machine.ended.then(({ reason }) => stopped.resolve(reason));
        void Promise.resolve().then(() => clock.advance(15_000));
        return machine;
      };
      const verdict = await proveKvm({ device, boot: silent, clock, signal: never });
      expect(verdict.device).toBeUndefined();
      expect(verdict.finding).toContain("silent for 15000 ms");
      expect(await stopped.promise).toBe("stopped");
    },
    limitMs,
  );

  test("a monitor that does not start disproves it", async () => {
    const verdict = await proveKvm({
      device,
      boot: () => Promise.reject(new Error("no such device")),
      clock: systemClock,
      signal: never,
    });
    expect(verdict.finding).toBe("a machine does not boot with /dev/kvm: no such device");
  });
});
