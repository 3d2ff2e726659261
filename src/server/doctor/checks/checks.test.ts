import { describe, expect, test } from "bun:test";
import type { ToolResult } from "../../../drivers/process/run-tool.ts";
import type { ImageStock } from "../image-stock.ts";
import type { Machine } from "../machine.ts";
import { checkCgroups } from "./cgroups.ts";
import { checkEngine } from "./engine.ts";
import { checkMicrovm } from "./microvm.ts";
import { checkOptionalTools } from "./optional-tools.ts";
import { listeningInodes } from "./port.ts";
import { checkResources } from "./resources.ts";
import { checkSandbox } from "./sandbox.ts";

interface FakeMachine {
  readonly programs?: Readonly<Record<string, Partial<ToolResult>>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly versions?: Machine["versions"];
  readonly uid?: number;
}

function machine({ programs = {}, files = {}, versions = {}, uid = 1000 }: FakeMachine): Machine {
  return {
    uid,
    versions,
    find: (name) => Promise.resolve(name in programs ? `/usr/bin/${name}` : undefined),
    read: (file) => Promise.resolve(files[file]),
    mayUse: (file) => Promise.resolve(file in files),
    run: (path, args) => {
      const answer = programs[path.replace("/usr/bin/", "")] ?? {};
      const version = args.length === 1 && args[0] === "--version";
      const base: ToolResult = { code: 0, stdout: "tool 1.0\n", stderr: "", failure: undefined };
      return Promise.resolve(version ? base : { ...base, ...answer });
    },
  };
}

const openNamespaces = { "/proc/sys/user/max_user_namespaces": "15000\n" };

describe("the sandbox check", () => {
  test("is content when bubblewrap starts", async () => {
    const [bwrap, namespaces] = await checkSandbox(
      machine({ programs: { bwrap: {} }, files: openNamespaces }),
    );
    expect(bwrap).toMatchObject({
      state: "ok",
      found: "tool 1.0 at /usr/bin/bwrap, a trial sandbox started",
    });
    expect(namespaces?.state).toBe("ok");
  });

  test("names the package when bubblewrap is absent", async () => {
    const [bwrap] = await checkSandbox(machine({}));
    expect(bwrap).toMatchObject({ state: "missing", remedy: "apt-get install bubblewrap" });
  });

  test("gives the reason when bubblewrap is there but cannot start", async () => {
    const failing = { code: 1, stderr: "bwrap: No permissions to create new namespace\n" };
    const [bwrap] = await checkSandbox(
      machine({ programs: { bwrap: failing }, files: openNamespaces }),
    );
    expect(bwrap?.state).toBe("missing");
    expect(bwrap?.found).toContain("No permissions to create new namespace");
  });

  test.each([
    ["no support", {}, "missing", "CONFIG_USER_NS"],
    [
      "none allowed",
      { "/proc/sys/user/max_user_namespaces": "0" },
      "missing",
      "user.max_user_namespaces",
    ],
    [
      "Debian's switch",
      { ...openNamespaces, "/proc/sys/kernel/unprivileged_userns_clone": "0" },
      "warn",
      "unprivileged_userns_clone=1",
    ],
    [
      "Ubuntu's AppArmor rule",
      { ...openNamespaces, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1" },
      "warn",
      "apparmor_restrict_unprivileged_userns=0",
    ],
  ])("knows namespaces closed by %s and the remedy", async (_, files, state, remedy) => {
    const finding = (await checkSandbox(machine({ files })))[1];
    expect(finding?.state).toBe(state as "warn");
    expect(finding?.remedy).toContain(remedy);
  });
});

describe("the cgroup check", () => {
  test("says that nothing is limited where no hierarchy is mounted", async () => {
    expect((await checkCgroups(machine({})))[0]).toMatchObject({ state: "missing" });
  });

  test("says which controllers cannot be used", async () => {
    const files = {
      "/proc/self/cgroup": "0::/",
      "/proc/self/mountinfo": "32 25 0:28 / /nonexistent-cgroup rw - cgroup2 cgroup2 rw",
      "/nonexistent-cgroup/cgroup.controllers": "cpu memory pids\n",
    };
    const [finding] = await checkCgroups(machine({ files }));
    expect(finding).toMatchObject({ state: "warn", found: "v2, writable: nothing" });
    expect(finding?.means).toContain("memory, cpu, pids");
  });
});

describe("the engine check", () => {
  test.each([
    [{ bun: "1.4.5", node: "24.0.0" }, "ok", "Bun 1.4.5"],
    [{ node: "26.10.0" }, "ok", "Node.js 26.10.0"],
    [{ node: "20.20.2" }, "missing", "Node.js 20.20.2"],
  ])("of %j is %s", async (versions, state, found) => {
    expect((await checkEngine(machine({ versions })))[0]).toMatchObject({
      state,
      found,
      essential: true,
    });
  });
});

describe("the resource check", () => {
  test("warns of little memory and few descriptors", async () => {
    const files = {
      "/proc/meminfo": "MemTotal: 1 kB\nMemAvailable:   102400 kB\n",
      "/proc/self/limits":
        "Limit  Soft Limit\nMax open files            1024                 4096                 files\n",
    };
    const [memory, descriptors] = await checkResources(machine({ files }));
    expect(memory).toMatchObject({ state: "warn" });
    expect(memory?.found).toStartWith("100 MiB available");
    expect(descriptors).toMatchObject({
      state: "warn",
      found: "1024 open files at most (hard limit 4096)",
    });
  });
});

describe("the check of optional tools", () => {
  test("names the package of what is absent", async () => {
    const findings = await checkOptionalTools(machine({}));
    const of = (name: string) => findings.find((finding) => finding.name === name);
    expect(of("qemu")).toMatchObject({
      state: "missing",
      remedy: "apt-get install qemu-system-x86",
    });
    expect(findings.some((finding) => finding.essential)).toBe(false);
  });
});

describe("the check of what microVMs need", () => {
  const nothing = {
    kernel: () => undefined,
    whyNoKernelIsKnown: () => undefined,
    isKernelKnown: () => Promise.resolve(false),
    images: () => Promise.resolve([]),
  };
  const asked = { asksApt: true };

  test("names every package that is missing in one line, and what to do about kernel and images", async () => {
    const programs = { busybox: {}, env: {}, perl: {}, ldd: {} };
    const findings = await checkMicrovm(machine({ programs }), nothing, asked);
    const of = (name: string) => findings.find((finding) => finding.name === name);
    expect(of("kvm")?.state).toBe("missing");
    expect(of("image tools")).toMatchObject({
      state: "missing",
      found: "busybox, perl, ldd, env",
      remedy: "apt-get install e2fsprogs",
    });
    expect(of("microVM kernel")).toMatchObject({
      state: "missing",
      remedy: "apt-get update, or apt-get install linux-image-cloud-amd64",
    });
    expect(of("microVM images")).toMatchObject({
      state: "missing",
      means: "the first deploy of a microVM function builds its runtime's, and takes as long",
      remedy: "reactor microvm build",
    });
  });

  test("says of Firecracker that nothing has proven it here, and nothing where there is none", async () => {
    const look = async (programs: FakeMachine["programs"] = {}) =>
      (await checkMicrovm(machine({ programs }), nothing, asked)).filter(
        ({ name }) => name === "firecracker",
      );
    expect(await look()).toEqual([]);
    expect(await look({ firecracker: {} })).toMatchObject([
      {
        state: "warn",
        found: "tool 1.0 at /usr/bin/firecracker",
        means: expect.stringContaining("unproven here"),
      },
    ]);
  });

  test("is content with the tools, a kernel that apt knows and an image", async () => {
    const programs = { busybox: {}, env: {}, perl: {}, ldd: {}, mke2fs: {}, debugfs: {} };
    const findings = await checkMicrovm(
      machine({ programs }),
      {
        ...nothing,
        isKernelKnown: () => Promise.resolve(true),
        images: () => Promise.resolve(["bun 1.4.5"]),
      },
      asked,
    );
    expect(findings.slice(1).map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
  });

  test("asks apt for a kernel only when told to, and not where it can know none", async () => {
    const look = async (stock: Partial<ImageStock>, asksApt: boolean) => {
      const refuse = () => Promise.reject(new Error("apt was asked"));
      const all = { ...nothing, isKernelKnown: refuse, ...stock };
      const findings = await checkMicrovm(machine({}), all, { asksApt });
      return findings.find(({ name }) => name === "microVM kernel");
    };
    const unasked = await look({}, false);
    expect(unasked).toMatchObject({ state: "missing" });
    expect(unasked?.found).toContain("apt was not asked");
    expect(unasked?.remedy).toContain("reactor doctor --ask-apt");
    expect(await look({ whyNoKernelIsKnown: () => "no lists" }, true)).toMatchObject({
      state: "missing",
      remedy: "apt-get update",
    });
    expect((await look({ whyNoKernelIsKnown: () => "no apt" }, true))?.found).toContain("no apt");
    expect(await look({ kernel: () => "6.1.0-57-cloud-amd64" }, true)).toMatchObject({
      state: "ok",
      found: "6.1.0-57-cloud-amd64",
    });
  });

  test("sees that a busybox with shared libraries is the wrong one", async () => {
    const ldd = { stdout: "\tlibc.so.6 => /lib/libc.so.6 (0x1)\n" };
    const programs = { busybox: {}, env: {}, perl: {}, ldd, mke2fs: {}, debugfs: {} };
    const [, tools] = await checkMicrovm(machine({ programs }), nothing, asked);
    expect(tools).toMatchObject({ state: "missing", remedy: "apt-get install busybox-static" });
  });
});

test("listeningInodes() finds listening sockets of a port only", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0
`;
  expect(listeningInodes(text, 8080)).toEqual(["4711"]);
});
