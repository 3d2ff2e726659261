import { deniedSyscalls, inspectedSyscalls, type SeccompArch } from "./seccomp-syscalls.ts";

/** AUDIT_ARCH_* of linux/audit.h. */
const auditArch: Record<SeccompArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

const loadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jumpEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const jumpGreaterOrEqual = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const jumpAnySet = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const keepBits = 0x54; // BPF_ALU | BPF_AND | BPF_K
const returnValue = 0x06; // BPF_RET | BPF_K

const allow = 0x7fff0000;
const killProcess = 0x80000000;
const errno = (code: number): number => 0x00050000 | code;
const errnoCode = { EPERM: 1, ENOSYS: 38, EPROTONOSUPPORT: 93, EAFNOSUPPORT: 97 } as const;

/** Offsets into struct seccomp_data; arguments are 64-bit little endian, low word first. */
const offset = { nr: 0, arch: 4, argument: (index: number): number => 16 + index * 8 } as const;

/** CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const namespaceFlags =
  0x00000080 |
  0x00020000 |
  0x02000000 |
  0x04000000 |
  0x08000000 |
  0x10000000 |
  0x20000000 |
  0x40000000;
const socketFamilies = { UNIX: 1, INET: 2, INET6: 10 } as const;
const socketTypes = { STREAM: 1, DGRAM: 2 } as const;
/** The bits of a socket's type that are not flags. */
const socketTypeBits = 0xf;
/**
 * What streams and datagrams may carry. Asking for any other, or for another type, has the kernel
 * load a module for it: SCTP, DCCP, L2TP and their like, or MPTCP and UDP-Lite, which it has built in.
 */
const internetProtocols = { any: 0, ICMP: 1, TCP: 6, UDP: 17, ICMPV6: 58 } as const;
/**
 * ioctls that type into a terminal, a way out to whoever watches it, and the one that has the kernel
 * load a line discipline for it.
 */
const terminalIoctls = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCSETD: 0x5423 } as const;
/** x86-64 calls by way of the 32-bit-pointer ABI carry this bit. */
const x32Bit = 0x40000000;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number];

/**
 * Assembles the sandbox's seccomp program: everything is allowed but the calls of the tables. The
 * bytes are an array of struct sock_filter as `bwrap --seccomp` reads it.
 */
export function seccompFilter(arch: SeccompArch): Buffer {
  const program: Instruction[] = [
    [loadWord, 0, 0, offset.arch],
    [jumpEqual, 1, 0, auditArch[arch]],
    [returnValue, 0, 0, killProcess],
    [loadWord, 0, 0, offset.nr],
  ];
  if (arch === "x64") {
    program.push([jumpGreaterOrEqual, 0, 1, x32Bit], [returnValue, 0, 0, killProcess]);
  }
  for (const [x64, arm64] of Object.values(deniedSyscalls)) {
    const number = arch === "x64" ? x64 : arm64;
    if (number !== undefined) program.push(...onCall(number, [ret(errno(errnoCode.EPERM))]));
  }
  program.push(
    ...onCall(inspectedSyscalls.clone3[arch], [ret(errno(errnoCode.ENOSYS))]),
    ...onCall(inspectedSyscalls.clone[arch], [
      [loadWord, 0, 0, offset.argument(0)],
      [jumpAnySet, 0, 1, namespaceFlags],
      ret(errno(errnoCode.EPERM)),
      ret(allow),
    ]),
    ...onCall(inspectedSyscalls.socket[arch], socketCheck()),
    ...onCall(inspectedSyscalls.socketpair[arch], socketCheck()),
    ...onCall(inspectedSyscalls.ioctl[arch], [
      [loadWord, 0, 0, offset.argument(1)],
      ...oneOf(Object.values(terminalIoctls)),
      ret(allow),
      ret(errno(errnoCode.EPERM)),
    ]),
    ret(allow),
  );
  return encode(program);
}

/** Runs `body`, which must return, when the number in the accumulator is `number`. */
function onCall(number: number, body: readonly Instruction[]): Instruction[] {
  return [[jumpEqual, 0, body.length, number], ...body];
}

function socketCheck(): Instruction[] {
  return [
    [loadWord, 0, 0, offset.argument(0)],
    [jumpEqual, 0, 1, socketFamilies.UNIX],
    ret(allow),
    ...oneOf([socketFamilies.INET, socketFamilies.INET6]),
    ret(errno(errnoCode.EAFNOSUPPORT)),
    [loadWord, 0, 0, offset.argument(1)],
    [keepBits, 0, 0, socketTypeBits],
    ...oneOf(Object.values(socketTypes)),
    ret(errno(errnoCode.EPERM)),
    [loadWord, 0, 0, offset.argument(2)],
    ...oneOf(Object.values(internetProtocols)),
    ret(errno(errnoCode.EPROTONOSUPPORT)),
    ret(allow),
  ];
}

/** Goes past the instruction that follows when the accumulator is one of the values, else to it. */
function oneOf(values: readonly number[]): Instruction[] {
  return values.map((value, index) => [jumpEqual, values.length - index, 0, value]);
}

function ret(value: number): Instruction {
  return [returnValue, 0, 0, value];
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, jumpTrue, jumpFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}
