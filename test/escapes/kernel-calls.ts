import type { Argument, RawCall } from "./functions/javascript/aims.ts";

/** What the calls are pointed at. */
interface KernelAims {
  readonly victimPid: number;
  readonly serverPid: number;
  /** An address in the victim's memory. */
  readonly victimAddress: bigint;
  readonly sharedMemoryKey: number;
}

type Numbers = readonly [x64: number, arm64: number | undefined];
type Row = readonly [name: string, numbers: Numbers, args: readonly Argument[], childOnly?: true];

const newUser = 0x10000000;
const newNet = 0x40000000;
const newMount = 0x00020000;
const newPid = 0x20000000;
const sigChild = 17;
const currentFolder = -100;

/** Memory of 64-bit words, then zeros up to the length. */
function words(length: number, ...values: readonly (bigint | number)[]): Argument {
  const bytes = Buffer.alloc(length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), index * 8);
  return { bytes: bytes.toString("base64") };
}

/** Sockets that lead elsewhere than to a Unix socket or to its own network, or to odd parts of the kernel. */
const sockets: Readonly<Record<string, readonly [family: number, type: number, protocol: number]>> =
  {
    netlink: [16, 3, 0],
    "a packet": [17, 3, 0x0300],
    vsock: [40, 1, 0],
    "kernel cryptography": [38, 5, 0],
    "IPsec keys": [15, 3, 2],
    bluetooth: [31, 3, 1],
    "a CAN bus": [29, 3, 1],
    TIPC: [30, 5, 0],
    RDS: [21, 5, 0],
    XDP: [44, 3, 0],
    Qualcomm: [42, 2, 0],
    "a multiplexer": [41, 5, 0],
    SMC: [43, 1, 0],
    PPP: [24, 1, 0],
    "raw IP": [2, 3, 1],
    "raw IPv6": [10, 3, 58],
    SCTP: [2, 5, 132],
    DCCP: [2, 6, 33],
    "UDP-Lite": [2, 2, 136],
    L2TP: [2, 2, 115],
  };

function rows(aims: KernelAims): Row[] {
  const { victimPid, serverPid, victimAddress } = aims;
  const cloneArguments = words(88, newUser, 0, 0, 0, sigChild);
  const remote = words(16, victimAddress, 8);
  return [
    ["mount a file system", [165, 40], ["none", "/tmp", "tmpfs", 0, 0]],
    ["mount a folder writable", [165, 40], ["none", "/usr", "none", 0x1020, 0]],
    ["unmount a file system", [166, 39], ["/tmp", 2]],
    ["pivot the root", [155, 41], ["/tmp", "/tmp"]],
    ["change the root", [161, 51], ["/tmp"]],
    ["open a new file system", [430, 430], ["tmpfs", 0]],
    ["mount an opened file system", [432, 432], [{ open: "/tmp" }, 0, 0]],
    ["open a tree of mounts", [428, 428], [currentFolder, "/usr", 1]],
    [
      "open a tree of mounts with attributes",
      [467, 467],
      [currentFolder, "/usr", 1, words(32), 32],
    ],
    ["move a mount", [429, 429], [currentFolder, "/usr", currentFolder, "/tmp", 0]],
    ["pick a mounted file system", [433, 433], [currentFolder, "/tmp", 0]],
    ["make mounts writable", [442, 442], [currentFolder, "/usr", 0x8000, words(32, 0, 1), 32]],
    ["unshare a user namespace", [272, 97], [newUser]],
    ["unshare a network", [272, 97], [newNet]],
    ["unshare mounts", [272, 97], [newMount]],
    ["unshare process ids", [272, 97], [newPid]],
    ["enter the server's network", [308, 268], [{ open: `/proc/${serverPid}/ns/net` }, newNet]],
    ["enter a namespace again", [308, 268], [{ open: "/proc/self/ns/user" }, newUser]],
    ["clone into a user namespace", [56, 220], [newUser | sigChild, 0, 0, 0, 0], true],
    ["clone into a network", [56, 220], [newNet + sigChild, 0, 0, 0, 0], true],
    ["clone by the newer call", [435, 435], [cloneArguments, 88], true],
    ["be traced", [101, 117], [0, 0, 0, 0], true],
    ["trace a process", [101, 117], [0x4206, victimPid, 0, 0]],
    ["read the memory of a process", [310, 270], [victimPid, { vector: 8 }, 1, remote, 1, 0]],
    ["write the memory of a process", [311, 271], [victimPid, { vector: 8 }, 1, remote, 1, 0]],
    ["take a descriptor of the server", [438, 438], [{ open: `/proc/${serverPid}` }, 0, 0]],
    ["compare two processes", [312, 272], [victimPid, serverPid, 0, 0, 0]],
    [
      "advise on the memory of a process",
      [440, 440],
      [{ open: `/proc/${victimPid}` }, remote, 1, 20, 0],
    ],
    ["move pages of a process", [279, 239], [victimPid, 0, 0, 0, 0, 0]],
    ["migrate pages of a process", [256, 238], [victimPid, 64, words(8, 1), words(8, 1)]],
    ["load a BPF map", [321, 280], [0, words(128, 0x0000000400000002n, 0x0000000100000004n), 128]],
    ["count events of the processor", [298, 241], [words(128, 0x0000007000000001n), 0, -1, -1, 0]],
    ["handle page faults", [323, 282], [1]],
    ["set up an io_uring", [425, 425], [1, words(120)]],
    ["find a keyring", [250, 219], [0, -3, 1]],
    ["add a key", [248, 217], ["user", "escape", "x", 1, -2]],
    ["request a key", [249, 218], ["user", "escape", 0, 0]],
    ["name a file by handle", [303, 264], [currentFolder, "/tmp", words(144, 128), words(8), 0]],
    [
      "open a file by handle",
      [304, 265],
      [{ open: "/tmp" }, words(144, 0x0000000100000008n, 2), 0],
    ],
    ["watch a whole file system", [300, 262], [0, 0]],
    ["load a module", [175, 105], [words(8), 8, ""]],
    ["load a module from a file", [313, 273], [{ open: "/usr/bin/env" }, "", 0]],
    ["unload a module", [176, 106], ["escape", 0x800]],
    ["load another kernel", [246, 104], [0, 0, 0, 0]],
    ["load another kernel from a file", [320, 294], [{ open: "/usr/bin/env" }, -1, 1, "", 8]],
    ["forbid the keys that restart", [169, 142], [0xfee1dead, 672274793, 0, 0]],
    ["name the host", [170, 161], ["escape", 6]],
    ["name the domain of the host", [171, 162], ["escape", 6]],
    ["set the clock", [164, 170], [words(16, 1, 1), 0]],
    ["set a clock", [227, 112], [0, words(16, 1, 1)]],
    ["adjust the clock", [159, 171], [words(208)]],
    ["swap to a file", [167, 224], ["/tmp/escape", 0]],
    ["account for processes", [163, 89], ["/tmp/escape"]],
    ["ask for quotas", [179, 60], [0x80000701, "/dev/root", 0, words(128)]],
    ["read the kernel's log by call", [103, 116], [10, 0, 0]],
    ["use another personality", [135, 92], [0x0040000]],
    ["touch the ports of the machine", [173, undefined], [0x80, 1, 1]],
    ["raise the privilege of input and output", [172, undefined], [3]],
    ["change the segments of the processor", [154, undefined], [0, words(64), 64]],
    ["give pages to a pipe", [278, 75], [1, words(16), 0, 0]],
    ["type into a terminal", [16, 29], [0, 0x5412, "x"]],
    ["paste into a console", [16, 29], [0, 0x541c, "\u0003"]],
    ["put a driver on a terminal", [16, 29], [{ open: "/dev/ptmx" }, 0x5423, words(8, 21)]],
    ["attach the host's shared memory", [29, 194], [aims.sharedMemoryKey, 0, 0]],
    ["allow itself new privileges", [157, 167], [38, 0, 0, 0, 0]],
    ["leave its filter", [157, 167], [22, 0, 0, 0, 0]],
    ["become root by call", [105, 146], [0]],
    ["become root's group by call", [106, 144], [0]],
    [
      "take every capability",
      [126, 91],
      [words(8, 0x20080522), words(24, (0x2ffn << 32n) | 0xffffffffn)],
    ],
    ...Object.entries(sockets).map(
      ([name, args]): Row => [`open a socket of ${name}`, [41, 198], args],
    ),
  ];
}

/** The system calls that a probe makes on this processor; those it does not have are left out. */
export function kernelCalls(aims: KernelAims, arch: NodeJS.Architecture): RawCall[] {
  return rows(aims).flatMap(([name, [x64, arm64], args, childOnly]) => {
    const number = arch === "arm64" ? arm64 : x64;
    if (number === undefined) return [];
    return { name, number, args, ...(childOnly && { childOnly }) };
  });
}
