import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { SharedGroups } from "../../process/cgroup/shared-groups.ts";
import { groupsLeft } from "../../process/testing/groups-left.ts";
import { ownBytes, uidOf } from "../../process/process-tree.ts";
import { instanceUidFirst } from "../../process/run-dir.ts";
import type { Machine, MachineImage } from "./machine.ts";
import type { Machines } from "./machines.ts";
import type { Templates } from "./templates.ts";
import { isIntact, writeRecord } from "./template-files.ts";
import { controlShell } from "./testing/control-shell.ts";
import {
  makeTestFolder,
  openTestMachines,
  removeTestFolder,
  slotsLeft,
  tinySpec,
} from "./testing/open-machines.ts";
import { tinyImage, tinyImageMissing } from "./testing/tiny-image.ts";

const because = tinyImageMissing === undefined ? "" : ` (${tinyImageMissing})`;
/** Emulated, a machine boots in seconds; this is for a machine that is busy with other things. */
const limitMs = 120_000;
const never = new AbortController().signal;
const trial = new SharedGroups({ runDir: `/test/machines/${process.pid}`, clock: systemClock });
const { groups } = await trial.enter();
await trial.leave();
const holdsMemory = groups?.controllers.includes("memory") === true;

describe.if(tinyImageMissing === undefined)(`machines in QEMU${because}`, () => {
  const folder = makeTestFolder();
  let image: MachineImage;
  let machines: Machines;
  let templates: Templates;
  let bootMs: number;

  const shape = (): { image: MachineImage; memoryMb: number; vcpu: number } => ({
    image,
    memoryMb: 128,
    vcpu: 1,
  });
  const spec = () => tinySpec(shape());
  const clone = async () => {
    const machine = await templates.clone(spec(), never);
    return { machine, shell: await controlShell(machine, { justBooted: false }) };
  };

  beforeAll(async () => {
    image = tinyImage(folder);
    machines = await openTestMachines(folder);
    templates = await machines.templates(image);
    const startMs = performance.now();
    await templates.ensure(spec(), never);
    bootMs = performance.now() - startMs;
  }, limitMs);

  afterAll(async () => {
    await machines.close();
    expect(groupsLeft(join(folder, "run"))).toEqual([]);
    expect(readdirSync(folder)).not.toContain("run");
    removeTestFolder(folder);
  }, limitMs);

  test(
    "a clone goes on where its template was stopped, and the time it takes is printed",
    async () => {
      const startMs = performance.now();
      const { machine, shell } = await clone();
      expect(await shell.run("cat /tmp/mark")).toBe("warmed");
      const cloneMs = performance.now() - startMs;
      console.log(
        `template: ${bootMs.toFixed(0)} ms, clone until its first answer: ${cloneMs.toFixed(0)} ms`,
      );
      expect(await machine.stop()).toEqual({ reason: "stopped" });
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "clones that are alive at once share nothing that one of them writes, and leave the template as it was",
    async () => {
      // Looked up now: later it would be built anew if it were damaged.
      const { key, ramPath } = await templates.ensure(spec(), never);
      const { ino } = statSync(ramPath);
      const pair = await Promise.all([clone(), clone()]);
      const [a, b] = pair;
      await a.shell.run("dd if=/dev/zero of=/tmp/big bs=1M count=20; echo a > /tmp/mark");
      expect(await b.shell.run("cat /tmp/mark; ls /tmp")).toBe("warmed\nmark");
      expect(await a.shell.run("cat /tmp/mark")).toBe("a");
      await Promise.all(pair.map(({ machine }) => machine.stop()));
      expect(await isIntact(join(ramPath, ".."), key)).toBe(true);
      expect(statSync(ramPath).ino).toBe(ino);
    },
    limitMs,
  );

  test(
    "what comes in by the wire goes out by it, byte for byte",
    async () => {
      const { machine } = await clone();
      const wire = await machine.ports["reactor.wire"];
      const sent = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 256));
      let got = Buffer.alloc(0);
      wire.write(sent);
      while (got.length < sent.length) {
        const [chunk] = (await once(wire, "data")) as [Buffer];
        got = Buffer.concat([got, chunk]);
      }
      expect(got.equals(sent)).toBe(true);
      await machine.stop();
    },
    limitMs,
  );

  test(
    "a machine has no network card, and its monitor no network, privilege, file or environment",
    async () => {
      const { machine, shell } = await clone();
      expect(await shell.run("ls /sys/class/net")).toBe("lo");
      const pid = qemuOf(machine);
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(status).toMatch(/^CapEff:\t0+$/m);
      if (process.getuid?.() === 0) expect(uidOf(pid)).toBeGreaterThanOrEqual(instanceUidFirst);
      expect(readFileSync(`/proc/${pid}/environ`, "utf8")).not.toMatch(/REACTOR|HOME|root/);
      for (const kind of ["net", "pid", "mnt", "user", "ipc"]) {
        const own = readlinkSync(`/proc/self/ns/${kind}`);
        expect(readlinkSync(`/proc/${pid}/ns/${kind}`)).not.toBe(own);
      }
      const root = `/proc/${pid}/root`;
      // Of /sys only where the kernel says how large its large pages are, on machines that have them.
      const largePages = "kernel/mm/transparent_hugepage";
      const ofSys = existsSync(`/sys/${largePages}`)
        ? { root: ["sys"], folders: ["", "kernel", "kernel/mm", largePages] }
        : { root: [], folders: [] };
      const inside = ["bin", "dev", "lib", "lib64", "proc", "run", ...ofSys.root, "usr"];
      expect(readdirSync(root).toSorted()).toEqual(inside);
      for (const [depth, folder] of ofSys.folders.entries()) {
        const next = ofSys.folders[depth + 1];
        if (next !== undefined)
          expect(readdirSync(`${root}/sys/${folder}`)).toEqual([basename(next)]);
      }
      await machine.stop();
    },
    limitMs,
  );

  test(
    "a machine that switches itself off, or whose kernel gives up, says so and leaves nothing",
    async () => {
      const [off, broken] = await Promise.all([clone(), clone()]);
      off.shell.send("poweroff -f");
      expect(await off.machine.ended).toEqual({ reason: "poweroff" });
      broken.shell.send("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger");
      expect(await broken.machine.ended).toMatchObject({
        reason: "panic",
        console: expect.stringContaining("Kernel panic"),
      });
      for (const { machine } of [off, broken]) machine.release();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "kill -9 of QEMU ends the machine and nothing else, and leaves no socket or folder",
    async () => {
      const [victim, other] = await Promise.all([clone(), clone()]);
      process.kill(qemuOf(victim.machine), "SIGKILL");
      expect(await victim.machine.ended).toEqual({ reason: "killed", signal: "SIGKILL" });
      victim.machine.release();
      expect(victim.machine.process.pids()).toEqual([]);
      expect(await other.shell.run("echo here")).toBe("here");
      await other.machine.stop();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test.if(holdsMemory)(
    "a monitor that the kernel kills for its memory ends its own machine alone, and says so (needs a cgroup that may be changed)",
    async () => {
      const [victim, other] = await Promise.all([clone(), clone()]);
      const { group } = victim.machine;
      const roomBytes = 8 * 2 ** 20;
      const memoryBytes = (group?.memoryPeak() ?? 0) + roomBytes;
      group?.limit({ memoryBytes, vcpu: 1, processes: 64 });
      victim.shell.send("dd if=/dev/urandom of=/tmp/big bs=1M count=60");
      expect(await victim.machine.ended).toEqual({ reason: "memory" });
      victim.machine.release();
      expect(victim.machine.process.pids()).toEqual([]);
      expect(await other.shell.run("echo here")).toBe("here");
      await other.machine.stop();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "memory that a clone frees goes back to the host by itself, and its template stays as it was",
    async () => {
      // Looked up now: later it would be built anew if it were damaged.
      const { key, ramPath } = await templates.ensure(spec(), never);
      const { ino } = statSync(ramPath);
      const { machine, shell } = await clone();
      await shell.run("dd if=/dev/urandom of=/tmp/big bs=1M count=30");
      const held = (): number =>
        machine.process.pids().reduce((sum, pid) => sum + ownBytes(pid), 0) / 2 ** 20;
      const fullMb = held();
      await shell.run("rm /tmp/big");
      // The kernel in it reports free pages every two seconds; the test's limit ends the wait.
      while (held() > fullMb - 20) await Bun.sleep(20);
      console.log(
        `memory of a clone of its own: ${fullMb.toFixed(0)} MB, after it freed 30: ${held().toFixed(0)} MB`,
      );
      expect(await shell.run("cat /tmp/mark")).toBe("warmed");
      await machine.stop();
      expect(await isIntact(join(ramPath, ".."), key)).toBe(true);
      expect(statSync(ramPath).ino).toBe(ino);
    },
    limitMs,
  );

  test(
    "a machine that floods its console and its ports hurts only itself",
    async () => {
      const [flood, other] = await Promise.all([clone(), clone()]);
      flood.shell.send(
        "yes > /dev/ttyS0 & yes > /dev/reactor.stdout & yes > /dev/reactor.stderr &",
      );
      for (let turn = 0; turn < 20; turn++) expect(await other.shell.run("echo ok")).toBe("ok");
      expect(flood.machine.consoleTail().length).toBeLessThanOrEqual(16 * 1024);
      await Promise.all([flood.machine.stop(), other.machine.stop()]);
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a template that QEMU cannot read is built anew",
    async () => {
      const { key, statePath } = await templates.ensure(spec(), never);
      // Whole by its record, and of no use.
      writeFileSync(statePath, "no state of a machine");
      await writeRecord(join(statePath, ".."), { key });
      const { machine, shell } = await clone();
      expect(await shell.run("cat /tmp/mark")).toBe("warmed");
      await machine.stop();
      expect(slotsLeft(folder)).toEqual([]);
    },
    limitMs,
  );

  test(
    "a start that is given up, or fails, leaves nothing, and the error has the reason",
    async () => {
      const given = new AbortController();
      const starting = machines.boot({ image, memoryMb: 128, vcpu: 1 }, given.signal);
      given.abort(new Error("given up"));
      expect(await starting.catch((error: unknown) => error)).toEqual(new Error("given up"));
      const broken = { ...image, initramfsPath: join(folder, "nowhere") };
      const failing = machines.boot({ image: broken, memoryMb: 128, vcpu: 1 }, never);
      expect(await failing.catch((error: unknown) => error)).toMatchObject({
        failure: "boot",
        message: expect.stringContaining("ENOENT"),
      });
      const huge = machines.boot({ image, memoryMb: 128, vcpu: 4096 }, never);
      expect(await huge.catch((error: unknown) => error)).toMatchObject({
        failure: "boot",
        message: expect.stringContaining("SMP"),
      });
      const cold = tinySpec(shape(), "fails");
      const unwarmed = templates.ensure(
        { ...cold, warm: () => Promise.reject(new Error("cold")) },
        never,
      );
      expect(await unwarmed.catch((error: unknown) => error)).toMatchObject({
        failure: "snapshot",
        message: expect.stringContaining("cold"),
      });
      expect(slotsLeft(folder)).toEqual([]);
      expect(readdirSync(join(folder, "data/templates"))).toHaveLength(1);
    },
    limitMs,
  );

  test(
    "a machine has the processors and the memory that it was asked for, and an emulated processor claims no fast copies",
    async () => {
      const machine = await machines.boot({ image, memoryMb: 256, vcpu: 3 }, never);
      const shell = await controlShell(machine, { justBooted: true });
      expect(await shell.run("nproc")).toBe("3");
      expect(await shell.run("grep -o -w -e rep_good -e erms -e fsrm /proc/cpuinfo | uniq")).toBe(
        "rep_good",
      );
      const kb = Number(await shell.run("awk '/MemTotal/ {print $2}' /proc/meminfo"));
      expect(kb).toBeGreaterThan(200 * 1024);
      expect(kb).toBeLessThan(256 * 1024);
      await machine.stop();
    },
    limitMs,
  );
});

function qemuOf(machine: Machine): number {
  const pid = machine.process
    .pids()
    .find((each) => readFileSync(`/proc/${each}/comm`, "utf8").startsWith("qemu"));
  if (pid === undefined) throw new Error("there is no QEMU");
  return pid;
}
