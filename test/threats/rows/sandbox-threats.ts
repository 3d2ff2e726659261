import type { Threat } from "../threat.ts";

const command = "src/drivers/process/sandbox-command.ts";
const probed = "src/drivers/bun/sandbox.test.ts";

/** Code inside the sandbox: T1–T3, T7, T14, T22, T27. */
export const sandboxThreats: readonly Threat[] = [
  {
    id: "T1",
    threat: "a function reads the host's files, or its neighbours'",
    defence:
      "It sees its runtime read-only, its own code and a private /tmp; the root of the sandbox is closed for writing.",
    removals: [
      {
        removed: "that nothing else of the host is mounted",
        file: command,
        text: '"--ro-bind", "/usr", "/usr",',
        replacement: '"--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc",',
        test: `${probed} › sees only its own root: no /etc, no home, no /sys, no data of the host`,
      },
      {
        removed: "that the root is closed for writing",
        file: command,
        text: '"--remount-ro", "/",',
        replacement: "",
        test: `${probed} › can write to its private /tmp and /dev/shm only, both bounded`,
      },
      {
        removed: "a user for each instance",
        file: "src/drivers/process/run-dir.ts",
        text: "while (uidsInUse.has(nextUid));\n    uidsInUse.add(nextUid);",
        replacement: "while (uidsInUse.has(nextUid));\n    nextUid = 7;",
        test: `${probed} › each instance draws a user of its own`,
      },
    ],
  },
  {
    id: "T2",
    threat: "a function reads the server's environment or secrets in /proc",
    defence: "Its initial environment is built from nothing, and it sees no process but its own.",
    removals: [
      {
        removed: "that the environment is built from nothing",
        file: "src/drivers/process/guest-process.ts",
        text: "env: command.env,",
        replacement: "env: { ...process.env, ...command.env },",
        test: `${probed} › nothing of the server's environment is readable in any process that it sees`,
      },
      {
        removed: "its own view of processes",
        file: command,
        text: '"--proc", "/proc",',
        replacement: '"--ro-bind", "/proc", "/proc",',
        test: `${probed} › nothing of the server's environment is readable in any process that it sees`,
      },
    ],
    alsoShownBy: [
      "test/e2e/secrets.test.ts › no process has it in its arguments or initial environment",
      "src/drivers/bun/processes.test.ts › secrets and env are in no argv and no initial environment",
    ],
  },
  {
    id: "T3",
    threat: "a function gets another's secrets",
    defence:
      "Secrets go by message to the instance of their own function, and only those that its manifest declares.",
    removals: [
      {
        removed: "that only declared keys are given",
        file: "src/domain/declared-env.ts",
        text: "if (keys === undefined) return values;",
        replacement: "if (keys === undefined || keys.length > 0) return values;",
        test: "src/serving/admitting.test.ts › the instance gets the declared env and secrets only",
      },
    ],
    alsoShownBy: [
      "src/control/key-rotation.test.ts › secrets that trade places between two functions open in neither",
    ],
  },
  {
    id: "T7",
    threat: "a function uses the kernel's dangerous calls or odd socket families",
    defence: "A seccomp filter refuses them; namespaces cannot be made.",
    removals: [
      {
        removed: "the refusal of socket families",
        file: "src/drivers/process/seccomp-filter.ts",
        text: "ret(errno(errnoCode.EAFNOSUPPORT)),",
        replacement: "ret(allow),",
        test: `${probed} › a socket of family %s answers EAFNOSUPPORT`,
      },
      {
        removed: "the refusal of namespaces in clone",
        file: "src/drivers/process/seccomp-filter.ts",
        text: "[jumpAnySet, 0, 1, namespaceFlags],",
        replacement: "[jumpAnySet, 0, 1, 0],",
        test: "src/drivers/process/seccomp-filter.test.ts › hides clone3 and refuses clone with any namespace flag",
      },
      {
        removed: "the refusal of calls",
        file: "src/drivers/process/seccomp-filter.ts",
        text: "if (number !== undefined) program.push(",
        replacement: "if (number === -1) program.push(",
        test: `${probed} › %s answers EPERM`,
      },
      {
        removed: "the kill of another architecture's calls",
        file: "src/drivers/process/seccomp-filter.ts",
        text: "[jumpEqual, 1, 0, auditArch[arch]],",
        replacement: "[jumpEqual, 1, 1, auditArch[arch]],",
        test: "src/drivers/process/seccomp-filter.test.ts › kills a call of another architecture",
      },
    ],
  },
  {
    id: "T14",
    threat: "a function exhausts memory, CPU, processes, descriptors or disk",
    defence:
      "A watchdog kills an instance over its memory, descriptors and /tmp are bounded; with cgroups the kernel holds the rest.",
    removals: [
      {
        removed: "the watch over memory",
        file: "src/drivers/process/process-instance.ts",
        text: 'onOver: (peakMb) => this.#end({ reason: "memory", limitMb, peakMb }),',
        replacement: "onOver: () => undefined,",
        test: "src/drivers/bun/driver.test.ts › memory over its limit is typed with the limit and the peak",
        namedIn: "src/drivers/suite/exit-cases.ts",
      },
      {
        removed: "the bound of descriptors",
        file: command,
        text: 'const resourceLimits = ["--nofile=4096:4096", "--core=0:0"];',
        replacement: 'const resourceLimits = ["--core=0:0"];',
        test: `${probed} › has a name of its own and limits on descriptors and core dumps`,
      },
      {
        removed: "the size of /tmp",
        file: command,
        text: '"--size", String(profile.tmpBytesMax), "--tmpfs", "/tmp",',
        replacement: '"--tmpfs", "/tmp",',
        test: `${probed} › can write to its private /tmp and /dev/shm only, both bounded`,
      },
    ],
    notYet:
      "Bounds of processes and CPU, and hard memory limits, need cgroups: tier 2 is not part of this server.",
  },
  {
    id: "T22",
    threat: "instances outlive their server",
    defence:
      "The sandbox dies with the server, and a start ends what an unsandboxed predecessor left.",
    removals: [
      {
        removed: "the sweep of a dead server's instances",
        file: "src/drivers/process/sweep.ts",
        text: "for (const { pid, startTime } of stale) endTree(pid, startTime);",
        replacement: "",
        test: "src/drivers/process/sweep.test.ts › an instance that a dead server left is ended, and its folder removed",
      },
      {
        removed: "the sweep of folders",
        file: "src/drivers/process/sweep.ts",
        text: "for (const folder of folders) rmSync(join(slotsDir, folder), { recursive: true, force: true });",
        replacement: "",
        test: "src/drivers/process/sweep.test.ts › an instance that a dead server left is ended, and its folder removed",
      },
    ],
    alsoShownBy: [
      "test/e2e/server.test.ts › after kill -9 no instance is left and a new server serves the deployed function by itself",
      "src/drivers/python/processes.test.ts › kill -9 of the server leaves no process of a function",
    ],
    notYet:
      "The sandbox's own end with its server has a second defence, the guest ends when its socket does, so that taking out one of the two shows nothing.",
  },
  {
    id: "T27",
    threat: "a signal opens an inspector's port",
    defence: "Runtimes are started so that SIGUSR1 opens none, and the sandbox has no route to it.",
    removals: [
      {
        removed: "the guest's handler of SIGUSR1",
        file: "src/drivers/node/guest.ts",
        text: 'process.on("SIGUSR1", () => {});',
        replacement: "",
        test: "src/drivers/node/guest.test.ts › SIGUSR1 opens no inspector",
      },
    ],
  },
];
