import { dlopen, read } from "bun:ffi";
import { spawn } from "node:child_process";
import os from "node:os";
import { codeOf, outcomes } from "./outcome.js";

const names = Object.fromEntries(
  Object.entries(os.constants.errno).map(([name, number]) => [number, name]),
);

/** Numbers of system calls, which differ by processor. */
const numbers = {
  x64: {
    ptrace: 101,
    readv: 310,
    socket: 41,
    bpf: 321,
    keyctl: 250,
    io_uring_setup: 425,
    userfaultfd: 323,
    perf_event_open: 298,
    setns: 308,
    unshare: 272,
  },
  arm64: {
    ptrace: 117,
    readv: 270,
    socket: 198,
    bpf: 280,
    keyctl: 219,
    io_uring_setup: 425,
    userfaultfd: 282,
    perf_event_open: 241,
    setns: 268,
    unshare: 97,
  },
}[process.arch];

const errnoLocation = "__errno_location";

function libc() {
  const signatures = {
    syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
    [errnoLocation]: { args: [], returns: "ptr" },
  };
  try {
    return dlopen("libc.so.6", signatures).symbols;
  } catch {
    // musl's has another name.
    return dlopen("libc.so", signatures).symbols;
  }
}

/** Calls the kernel; throws an error with the code that it answered. */
function call(symbols, name, ...values) {
  const words = [...values, ...Array(5 - values.length).fill(0)];
  if (Number(symbols.syscall(numbers[name], ...words)) !== -1) return;
  const errno = read.i32(symbols[errnoLocation](), 0);
  throw Object.assign(new Error(name), { code: names[errno] ?? `errno ${errno}` });
}

/** Errors by which the kernel says that it looked at the request and would have taken a better one. */
const considered = new Set(["EFAULT", "EINVAL", "ENOENT", "ENOKEY", "EBADF"]);

function orConsidered(work) {
  try {
    work();
  } catch (error) {
    if (!considered.has(codeOf(error))) throw error;
    return `(${codeOf(error)})`;
  }
}

export const kernelAttacks = {
  /** Takes hold of a process of its own, as a debugger does. */
  async trace() {
    const symbols = libc();
    const child = spawn("/bin/sleep", ["30"], { stdio: "ignore" });
    try {
      return await outcomes([
        ["ptrace", () => call(symbols, "ptrace", 0x4206, child.pid)],
        [
          "process_vm_readv",
          () => orConsidered(() => call(symbols, "readv", child.pid, 8, 1, 8, 1)),
        ],
      ]);
    } finally {
      child.kill("SIGKILL");
    }
  },

  /** Opens sockets of families that lead elsewhere than to networks and neighbours. */
  sockets({ families }) {
    const symbols = libc();
    return outcomes(
      Object.entries(families).map(([name, [family, type]]) => [
        name,
        () => call(symbols, "socket", family, type, 0),
      ]),
    );
  },

  /** Asks for parts of the kernel that have a history. */
  calls() {
    const symbols = libc();
    const tries = {
      unshare: [0x10000000],
      setns: [-1, 0],
      bpf: [0, 0, 0],
      keyctl: [0, -3, 0],
      io_uring_setup: [1, 0],
      userfaultfd: [1],
      perf_event_open: [0, 0, -1, -1, 0],
    };
    return outcomes(
      Object.entries(tries).map(([name, values]) => [
        name,
        () => orConsidered(() => call(symbols, name, ...values)),
      ]),
    );
  },
};
