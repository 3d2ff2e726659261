import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { SharedGroups } from "../process/cgroup/shared-groups.ts";
import { spawnGuest } from "../process/guest-process.ts";
import { type RuntimeSetup, setUpRuntime } from "../process/process-runtime.ts";
import { probeCommand } from "../process/sandbox-command.ts";
import { findBunBinary } from "./find-bun-binary.ts";

const repository = join(import.meta.dirname, "..", "..", "..");

/** What hostile code inside the sandbox finds out, as one JSON line. */
const probe = `
const { dlopen, ptr } = require("bun:ffi");
const fs = require("node:fs");
const net = require("node:net");
const { symbols } = dlopen("libc.so.6", {
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
  __errno_location: { args: [], returns: "ptr" },
});
const { read } = require("bun:ffi");
const call = (nr, ...args) => {
  const result = Number(symbols.syscall(nr, ...args, ...Array(5 - args.length).fill(0)));
  return result === -1 ? read.i32(symbols.__errno_location(), 0) : "ok";
};
const attempt = (work) => { try { return work(); } catch (error) { return error.code ?? String(error); } };
const path = ptr(Buffer.from("/tmp\\0"));
const calls = {
  unshareUser: call(272, 0x10000000), unshareNet: call(272, 0x40000000), setns: call(308, 0, 0),
  mount: call(165, path, path, path, 0, 0), umount: call(166, path, 0), pivotRoot: call(155, path, path), chroot: call(161, path),
  ptrace: call(101, 0, 0, 0, 0), bpf: call(321, 0, 0, 0), perf: call(298, 0, 0, -1, -1, 0), userfaultfd: call(323, 0), keyctl: call(250, 0, 0, 0),
  ioUring: call(425, 1, 0), initModule: call(175, 0, 0, 0), kexec: call(246, 0, 0, 0, 0), openTree: call(428, -100, path, 0), personality: call(135, 0xffffffff),
  processVmReadv: call(310, 1, 0, 0, 0, 0), clone3: call(435, 0, 0), cloneNewUser: call(56, 0x10000011, 0), tiocsti: call(16, 0, 0x5412, path),
  netlink: call(41, 16, 3, 0), packet: call(41, 17, 3, 0), vsock: call(41, 40, 1, 0), alg: call(41, 38, 5, 0), inet: call(41, 2, 1, 0), unix: call(41, 1, 1, 0),
};
const connect = (host, port) => new Promise((resolve) => {
  const socket = net.connect({ host, port });
  socket.on("connect", () => { socket.destroy(); resolve("connected"); });
  socket.on("error", (error) => resolve(error.code ?? error.message));
});
const facts = {
  calls,
  uid: process.getuid(), gid: process.getgid(), groups: process.getgroups(),
  status: fs.readFileSync("/proc/self/status", "utf8"),
  uidMap: fs.readFileSync("/proc/self/uid_map", "utf8"),
  root: fs.readdirSync("/").sort(),
  home: attempt(() => fs.readdirSync("/root")), etc: attempt(() => fs.readFileSync("/etc/passwd", "utf8")), sys: attempt(() => fs.readdirSync("/sys")),
  writeUsr: attempt(() => fs.writeFileSync("/usr/x", "x")), writeRoot: attempt(() => fs.writeFileSync("/x", "x")),
  writeRuntime: attempt(() => fs.writeFileSync("/runtime/bin", "x")), writeSocketDir: attempt(() => fs.writeFileSync("/run/reactor/x", "x")),
  writeDev: attempt(() => fs.writeFileSync("/dev/x", "x")), writeShm: attempt(() => fs.writeFileSync("/dev/shm/x", "x") ?? "ok"), writeTmp: attempt(() => fs.writeFileSync("/tmp/x", "x") ?? "ok"),
  fillTmp: attempt(() => { for (let i = 0; i < 128; i++) fs.writeFileSync("/tmp/big" + i, Buffer.alloc(1024 * 1024)); return "endless"; }),
  environ: fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).map((pid) => [pid, attempt(() => fs.readFileSync("/proc/" + pid + "/environ", "latin1"))]),
  processes: fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name)).length,
  hostname: require("node:os").hostname(),
  routes: attempt(() => fs.readFileSync("/proc/net/route", "utf8")), devices: attempt(() => fs.readFileSync("/proc/net/dev", "utf8")),
  loopback: await connect("127.0.0.1", Number(process.argv.at(-1))), outside: await connect("1.1.1.1", 53), metadata: await connect("169.254.169.254", 80),
  limits: fs.readFileSync("/proc/self/limits", "utf8"),
};
console.log(JSON.stringify(facts));
`;

interface Facts {
  readonly calls: Readonly<Record<string, number | "ok">>;
  readonly environ: readonly (readonly [string, string])[];
  readonly [fact: string]: unknown;
}

const EPERM = 1;
const EAFNOSUPPORT = 97;

describe.if(Bun.which("bwrap") !== null)("the sandbox of tier 1 (needs bubblewrap)", () => {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  let setup: RuntimeSetup;
  let facts: Facts;
  let server: Bun.TCPSocketListener<undefined>;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    setup = await setUpRuntime({
      runtime: {
        name: "bun",
        binaryPath: findBunBinary({
          setting: undefined,
          packageRoots: [repository],
          searchPath: undefined,
        }),
        args: [],
        unsandboxedArgs: [],
        env: {},
        guest: { name: "guest.js", build: async () => "" },
        mounts: [],
        version: (output) => output,
      },
      runDir: folder,
      sandbox: "basic",
      tmpBytesMax: 16 * 1024 * 1024,
      processesMax: 256,
      groups: new SharedGroups({ runDir: folder, clock: systemClock }),
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    });
    const slot = setup.runDir.openSlot();
    writeFileSync(join(slot.dir, "note"), "for the guest");
    const command = probeCommand(setup.profile, slot, ["-e", probe, String(server.port)]);
    const { filterPath } = setup.profile;
    const guest = spawnGuest({ command, filterPath, group: undefined });
    const [stdout, stderr] = await Promise.all([
      text(guest.stdout),
      text(guest.stderr),
      guest.ended,
    ]);
    slot.release();
    if (stdout === "") throw new Error(`the probe wrote nothing: ${stderr}`);
    facts = JSON.parse(stdout);
  });

  afterAll(() => {
    server.stop(true);
    setup.runDir.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  test("works on this machine", () => {
    expect(setup.profile.tier).toBe(1);
  });

  test.each([
    "unshareUser",
    "unshareNet",
    "setns",
    "mount",
    "umount",
    "pivotRoot",
    "chroot",
    "ptrace",
    "bpf",
    "perf",
    "userfaultfd",
    "keyctl",
    "ioUring",
    "initModule",
    "kexec",
    "openTree",
    "personality",
    "processVmReadv",
    "cloneNewUser",
    "tiocsti",
  ])("%s answers EPERM", (name) => {
    expect(facts.calls[name]).toBe(EPERM);
  });

  test.each(["netlink", "packet", "vsock", "alg"])(
    "a socket of family %s answers EAFNOSUPPORT",
    (name) => {
      expect(facts.calls[name]).toBe(EAFNOSUPPORT);
    },
  );

  test("clone3 does not exist, and plain sockets do", () => {
    expect(facts.calls["clone3"]).toBe(38);
    expect(facts.calls["inet"]).toBe("ok");
    expect(facts.calls["unix"]).toBe("ok");
  });

  test("runs as nobody", () => {
    expect(facts["uid"]).toBe(65534);
    expect(facts["gid"]).toBe(65534);
    const [inner, , count] = String(facts["uidMap"]).trim().split(/\s+/).map(Number);
    expect([inner, count]).toEqual([65534, 1]);
  });

  test("has no capability, no new privileges and the filter", () => {
    const status = String(facts["status"]);
    expect(status).toMatch(/CapEff:\s+0{16}/);
    expect(status).toMatch(/CapBnd:\s+0{16}/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    expect(status).toMatch(/Seccomp:\s+2/);
    expect(status).toMatch(/Groups:\s+(?:65534 ?)*\n/);
  });

  test("sees only its own root: no /etc, no home, no /sys, no data of the host", () => {
    expect(facts["root"]).toEqual([
      "bin",
      "dev",
      "lib",
      "lib64",
      "proc",
      "run",
      "runtime",
      "tmp",
      "usr",
    ]);
    expect(facts["etc"]).toBe("ENOENT");
    expect(facts["home"]).toBe("ENOENT");
    expect(facts["sys"]).toBe("ENOENT");
  });

  test("can write to its private /tmp and /dev/shm only, both bounded", () => {
    expect(facts["writeTmp"]).toBe("ok");
    expect(facts["writeShm"]).toBe("ok");
    for (const place of ["writeUsr", "writeRoot", "writeRuntime", "writeSocketDir", "writeDev"]) {
      expect([place, facts[place]]).toEqual([place, expect.stringMatching(/^(?:EROFS|EACCES)$/)]);
    }
    expect(facts["fillTmp"]).toBe("ENOSPC");
  });

  test("nothing of the server's environment is readable in any process that it sees", () => {
    expect(facts["processes"]).toBe(2);
    expect(process.env["PATH"]).toBeDefined();
    for (const [pid, environ] of facts.environ) {
      const keys = environ.split("\0").flatMap((entry) => entry.split("=", 1)[0] || []);
      const known = [
        "PATH",
        "HOME",
        "TMPDIR",
        "LANG",
        "PWD",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "https_proxy",
      ];
      expect([pid, keys.filter((key) => !known.includes(key))]).toEqual([pid, []]);
    }
  });

  test("has no network route, and the host's loopback is not its own", () => {
    expect(String(facts["routes"]).trim().split("\n")).toHaveLength(1);
    expect(String(facts["devices"]).trim().split("\n").slice(2)).toHaveLength(1);
    expect(facts["loopback"]).toBe("ECONNREFUSED");
    expect(facts["outside"]).not.toBe("connected");
    expect(facts["metadata"]).not.toBe("connected");
  });

  test("has a name of its own and limits on descriptors and core dumps", () => {
    expect(facts["hostname"]).toBe("function");
    expect(String(facts["limits"])).toMatch(/Max open files\s+4096\s+4096/);
    expect(String(facts["limits"])).toMatch(/Max core file size\s+0\s+0/);
  });

  test("each instance draws a user of its own", () => {
    const slots = [setup.runDir.openSlot(), setup.runDir.openSlot(), setup.runDir.openSlot()];
    const uids = slots.map((slot) => slot.uid);
    for (const slot of slots) slot.release();
    if (process.getuid?.() === 0) expect(new Set(uids).size).toBe(3);
    else expect(new Set(uids)).toEqual(new Set([undefined]));
  });

  test("argv and the initial environment of every process are the known ones", () => {
    const slot = setup.runDir.openSlot();
    const command = probeCommand(setup.profile, slot, []);
    slot.release();
    expect(Object.keys(command.env).sort()).toEqual([
      "HOME",
      "HTTPS_PROXY",
      "HTTP_PROXY",
      "LANG",
      "PATH",
      "TMPDIR",
      "http_proxy",
      "https_proxy",
    ]);
    expect(readFileSync(setup.profile.filterPath).length % 8).toBe(0);
  });
});
