import type { Threat } from "../threat.ts";

const command = "src/drivers/process/sandbox-command.ts";
const probed = "src/drivers/bun/sandbox.test.ts";
/** Run on every runtime; each attempt of the probe is one that the sandbox must refuse. */
const escapes = "test/escapes/escapes.test.ts › tries at least 60 escapes, and none succeeds";

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
        test: escapes,
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
    alsoShownBy: [
      `${probed} › sees only its own root: no /etc, no home, no /sys, no data of the host`,
      "test/escapes/escapes.test.ts › leaves the host as it was",
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
        test: escapes,
      },
    ],
    alsoShownBy: [
      "test/escapes/escapes.test.ts › asks the kernel itself, and searches its own memory",
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
        test: escapes,
      },
      {
        removed: "the kill of another architecture's calls",
        file: "src/drivers/process/seccomp-program.ts",
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
      "A watchdog and the kernel's groups hold memory and processes, all instances together weigh as one usual group, descriptors and /tmp are bounded.",
    removals: [
      {
        removed: "the limits of a function for its instance's group",
        file: "src/drivers/process/instance-watch.ts",
        text: "launch.group?.limit(functionLimits(limits, this.#options));",
        replacement: "",
        test: "src/drivers/bun/tiers.test.ts › a blank has a group and limits before it has a function, and then the function's",
      },
      {
        removed: "the limit of memory",
        file: "src/drivers/process/cgroup/cgroup-v1.ts",
        text: "for (const file of files) writeValue(folder, file, bytes);",
        replacement: "",
        test: "src/drivers/process/cgroup/cgroup-dialects.test.ts › version 1 is told",
      },
      {
        removed: "the limit of processes",
        file: "src/drivers/process/cgroup/cgroup-v2.ts",
        text: 'limitProcesses: (folder, count) => writeValue(folder, "pids.max", count),',
        replacement: "limitProcesses: () => undefined,",
        test: "src/drivers/process/cgroup/cgroup-dialects.test.ts › version 2 is told",
      },
      {
        removed: "that an instance waits until it is in its group",
        file: command,
        text: '...(inGroup ? ["read -r _ || exit 1"] : []),',
        replacement: "",
        test: "src/drivers/process/sandbox-command.test.ts › what gets a group begins with the line that says it is in there, and never without",
      },
      {
        removed: "the bound of descriptors",
        file: command,
        text: "`ulimit -n ${descriptorsMax} 2>/dev/null`,",
        replacement: "",
        test: `${probed} › has a name of its own and limits on descriptors and core dumps`,
      },
      {
        removed: "the size of /tmp",
        file: command,
        text: '"--size", String(profile.tmpBytesMax), "--tmpfs", "/tmp",',
        replacement: '"--tmpfs", "/tmp",',
        test: `${probed} › can write to its private /tmp and /dev/shm only, both bounded`,
      },
      {
        removed: "the kill of what is over its memory",
        file: "src/drivers/process/memory-watch.ts",
        text: "entry.tree.onOver(toMb(entry.peakBytes));",
        replacement: "",
        test: "src/drivers/process/memory-watch.test.ts › quiet trees take turns, and each is reported once",
      },
    ],
    alsoShownBy: [
      "src/drivers/process/cgroup/shared-groups.test.ts › a process that goes over the memory limit is killed, and the group tells its peak",
      "src/drivers/process/cgroup/shared-groups.test.ts › no more processes than the limit are started, and the group tells how often one was refused",
      "soak/soak.test.ts › a sample of the neighbours: a victim beside a dozen hostile functions at once loses no request",
      "test/faults/out-of-memory.test.ts › memory in %s over the limit is 500 with limit and peak; the neighbour and the next call work",
      "test/e2e/prove.test.ts › every promise to %s functions holds, and what is not promised is said",
    ],
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
      "src/drivers/bun/processes.test.ts › kill -9 of the server, then a start: no process, cgroup or folder of an instance is left",
      "test/e2e/server.test.ts › after kill -9 no instance is left, a new server serves the deployed function by itself, and after it no cgroup is left",
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
    alsoShownBy: ["test/escapes/escapes.test.ts › opens no inspector by SIGUSR1 on %s"],
  },
];
