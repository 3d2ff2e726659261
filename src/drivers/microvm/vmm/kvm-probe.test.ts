import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createVirtualClock, systemClock } from "../../../base/clock.ts";
import {
  findKvm,
  type ProveKvmOptions,
  proveKvm,
  recallVerdict,
  rememberVerdict,
} from "./kvm-probe.ts";
import type { MachineImage, Vmm } from "./machine.ts";
import { controlShell } from "./testing/control-shell.ts";
import {
  makeTestFolder,
  openTestMachines,
  openTestVmm,
  removeTestFolder,
  slotsLeft,
  type TestVmm,
  tinySpec,
} from "./testing/open-machines.ts";
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

test("a verdict is remembered until the computer or the monitor is another", () => {
  const path = join(folder, "kvm.json");
  const device = { path: "/dev/kvm", gid: undefined };
  expect(recallVerdict(path, "7.2", device)).toBeUndefined();
  rememberVerdict(path, "7.2", { device: undefined, finding: "silent" });
  expect(recallVerdict(path, "7.2", device)).toEqual({ device: undefined, finding: "silent" });
  rememberVerdict(path, "7.2", { device, finding: "fine" });
  expect(recallVerdict(path, "7.2", device)).toEqual({ device, finding: "fine" });
  expect(recallVerdict(path, "8.0", device)).toBeUndefined();
  const other = '{"bootId":"x","version":"7.2","works":true,"finding":"y"}';
  for (const text of ["", "[]", "null", '{"works":true}', other]) {
    writeFileSync(path, text);
    expect(recallVerdict(path, "7.2", device)).toBeUndefined();
  }
});

describe.if(tinyImageMissing === undefined)("proving it by booting and cloning", () => {
  const home = makeTestFolder();
  const scratch = join(home, "scratch");
  const device = { path: "/dev/kvm", gid: undefined };
  let image: MachineImage;
  let emulated: TestVmm;

  beforeAll(async () => {
    image = tinyImage(home);
    emulated = await openTestVmm(home);
  });

  afterAll(async () => {
    expect(slotsLeft(home)).toEqual([]);
    await emulated.close();
    expect(existsSync(scratch)).toBe(false);
    removeTestFolder(home);
  });

  /** With an emulated machine in place of one with hardware virtualisation. */
  const prove = (own: Partial<ProveKvmOptions> = {}) =>
    proveKvm({
      device,
      vmm: emulated.vmm,
      shape: { image, memoryMb: 128, vcpu: 1 },
      scratch,
      clock: systemClock,
      signal: never,
      ...own,
    });

  test(
    "a machine that says a word and a clone that answers prove it",
    async () => {
      const finding = "a machine and its clone answered with /dev/kvm";
      // On a busy machine an emulated one takes longer than the proof may.
      expect(await prove({ clock: createVirtualClock() })).toEqual({ device, finding });
    },
    limitMs,
  );

  test(
    "a machine that says nothing in time disproves it, and is stopped",
    async () => {
      const clock = createVirtualClock();
      const silent: Vmm = {
        ...emulated.vmm,
        async boot(shape, options) {
          const machine = await emulated.vmm.boot(shape, options);
          void Promise.resolve().then(() => clock.advance(20_000));
          return machine;
        },
      };
      const verdict = await prove({ vmm: silent, clock });
      expect(verdict.device).toBeUndefined();
      expect(verdict.finding).toContain("silent for 20000 ms");
    },
    limitMs,
  );

  test(
    "a clone that cannot be made disproves it",
    async () => {
      const halfway: Vmm = {
        ...emulated.vmm,
        restore: () => Promise.reject(new Error("no such processor")),
      };
      const verdict = await prove({ vmm: halfway, clock: createVirtualClock() });
      expect(verdict).toEqual({
        device: undefined,
        finding: "no machine and clone with /dev/kvm: no such processor",
      });
    },
    limitMs,
  );
});

/** Of which a copy is made that machines may open; with the permissions it has, it may be root's. */
const ownDevice = "/dev/kvm";

test.if(asRoot && tinyImageMissing === undefined && existsSync(ownDevice))(
  "whatever this computer's own device is worth, machines run",
  async () => {
    const home = makeTestFolder();
    const kvmPath = join(home, "kvm");
    const made = Bun.spawnSync(["mknod", "-m", "666", kvmPath, "c", "10", "232"]);
    expect(made.exitCode).toBe(0);
    const machines = await openTestMachines(home, { kvmPath });
    const image = tinyImage(home);
    const templates = await machines.templates(image);
    console.log(`hardware virtualisation: ${machines.finding}`);
    const spec = tinySpec({ image, memoryMb: 128, vcpu: 1 });
    const clone = await templates.clone(spec, never);
    const shell = await controlShell(clone, { justBooted: false });
    expect(await shell.run("cat /tmp/mark")).toBe("warmed");
    await clone.stop();
    await machines.close();
    removeTestFolder(home);
  },
  limitMs,
);
