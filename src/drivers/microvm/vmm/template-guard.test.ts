import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { silentLog } from "../../../base/log.ts";
import { systemRandom } from "../../../base/random.ts";
import { SharedGroups } from "../../process/cgroup/shared-groups.ts";
import { findBubblewrap } from "../../process/sandbox-probe.ts";
import { makeTestFolder, removeTestFolder } from "./testing/open-machines.ts";
import { inheritedPath } from "./vmm-command.ts";
import { VmmHost } from "./vmm-host.ts";

const canRun = findBubblewrap() !== undefined && process.arch === "x64";
const megabyte = 1024 * 1024;
const limitMs = 60_000;

/** What a monitor that its guest has taken over may try with the file of its template's memory. */
const attempts = {
  "write at its start": `open(F, "+<", $path) and syswrite(F, "x" x 4096)`,
  "write at its end": `open(F, ">>", $path) and syswrite(F, "x")`,
  "write by the inherited descriptor": `open(F, "+>&=", 5) and syswrite(F, "x")`,
  "empty it when opening": `open(F, ">", $path)`,
  "empty it with creat": `syscall(85, $path, 0)`,
  "empty it with openat2": `syscall(437, -100, $path, pack("QQQ", 0x202, 0, 0), 24)`,
  "cut it": `open(F, "+<", $path) and truncate(F, 4096)`,
  "cut it by path": `syscall(76, $path, 4096)`,
  "punch a hole": `open(F, "+<", $path) and syscall(285, fileno(F), 3, 0, ${megabyte})`,
  "map it shared": `open(F, "+<", $path) and syscall(9, 0, ${megabyte}, 3, 1, fileno(F), 0) > 0`,
  "map it shared and validated": `open(F, "+<", $path) and syscall(9, 0, ${megabyte}, 3, 3, fileno(F), 0) > 0`,
  "map pages of it as a processor's": `open(F, "+<", $path) and syscall(9, 0, 12288, 3, 1, fileno(F), ${megabyte}) > 0`,
  "map too much as a processor's": `open(F, "+<", $path) and syscall(9, 0, 20480, 3, 1, fileno(F), 0) > 0`,
  "clone another file into it": `open(F, "+<", $path) and open(G, "<", "/usr/bin/perl") and ioctl(F, 0x40049409, fileno(G))`,
  "zero a range": `open(F, "+<", $path) and ioctl(F, 0x40305839, pack("sslQQlLL4", 0, 0, 0, 0, 4096, 0, 0, 0, 0, 0, 0))`,
  "raise its limit": `syscall(160, 1, pack("QQ", -1, -1)) == 0 and open(F, "+<", $path) and syswrite(F, "x")`,
  "copy into it": `open(F, "+<", $path) and open(G, "<", "/usr/bin/perl") and syscall(326, fileno(G), 0, fileno(F), 0, 4096, 0) > 0`,
} as const;

describe.if(canRun)("a clone's monitor that was taken over cannot change the template", () => {
  const folder = makeTestFolder();
  const ramPath = join(folder, "data/ram");
  const content = Buffer.alloc(4 * megabyte, 7);
  let host: VmmHost;

  beforeAll(async () => {
    mkdirSync(join(folder, "data"), { mode: 0o700 });
    const runDir = join(folder, "run");
    host = await VmmHost.open({
      runDir,
      name: "guard",
      binaryPath: "/usr/bin/perl",
      groups: new SharedGroups({ runDir, clock: systemClock }),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
  });

  afterAll(async () => {
    await host.close();
    removeTestFolder(folder);
  });

  /** Runs Perl where QEMU would be. */
  async function run(script: string, isClone: boolean, kvm: boolean): Promise<string> {
    writeFileSync(ramPath, content);
    chmodSync(ramPath, 0o666);
    const slot = host.openSlot();
    const { process: vmm, group } = host.spawn({
      slot,
      program: {
        binaryPath: "/usr/bin/perl",
        args: ["-e", `$| = 1; $path = "${inheritedPath(0)}"; ${script}`],
        isClone,
        // Any device will do: what counts is the program that goes with it.
        kvm: kvm ? { path: "/dev/null", gid: undefined } : undefined,
      },
      files: [{ path: ramPath, flags: "r+" }],
      limits: { memoryBytes: 256 * megabyte, vcpu: undefined },
    });
    vmm.stderr.resume();
    let text = "";
    for await (const chunk of vmm.stdout) text += String(chunk);
    await vmm.ended;
    slot.release();
    if (group !== undefined) host.removeGroup(group);
    return text;
  }

  const isUnchanged = (): boolean => readFileSync(ramPath).equals(content);

  test.each(Object.entries(attempts))(
    "%s",
    async (_what, attempt) => {
      for (const kvm of [false, true]) {
        // It may be killed for trying.
        await run(`eval { ${attempt} }; print "done"`, true, kvm);
        expect(isUnchanged()).toBe(true);
      }
    },
    limitMs,
  );

  test(
    "it can read the file, map it for itself, and give memory back",
    async () => {
      const script = `
        open(F, "+<", $path) or die; sysread(F, $head, 3); print $head eq "\\7\\7\\7" ? "read " : "";
        print syscall(9, 0, ${megabyte}, 3, 2, fileno(F), 0) > 0 ? "mapped " : "";
        print syscall(285, fileno(F), 3, 0, 4096) == 0 ? "punched" : "";`;
      expect(await run(script, true, false)).toBe("read mapped punched");
      expect(isUnchanged()).toBe(true);
    },
    limitMs,
  );

  test(
    "without the guard the same attempts do change it",
    async () => {
      for (const what of ["write at its start", "cut it", "punch a hole"] as const) {
        expect(await run(`${attempts[what]}; print "done"`, false, false)).toBe("done");
        expect(isUnchanged()).toBe(false);
      }
    },
    limitMs,
  );
});
