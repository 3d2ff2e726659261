import {
  allow,
  encode,
  errno,
  errnoCode,
  type Instruction,
  jumpAnySet,
  keepBits,
  loadWord,
  offset,
  whenEqual,
  oneOf,
  preamble,
  ret,
} from "./seccomp-program.ts";
import { deniedSyscalls, inspectedSyscalls, type SeccompArch } from "./seccomp-syscalls.ts";

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

/**
 * Assembles the sandbox's seccomp program: everything is allowed but the calls of the tables. The
 * bytes are an array of struct sock_filter as `bwrap --seccomp` reads it.
 */
export function seccompFilter(arch: SeccompArch): Buffer {
  const program = preamble(arch);
  for (const [x64, arm64] of Object.values(deniedSyscalls)) {
    const number = arch === "x64" ? x64 : arm64;
    if (number !== undefined) program.push(...whenEqual(number, [ret(errno(errnoCode.EPERM))]));
  }
  program.push(
    ...whenEqual(inspectedSyscalls.clone3[arch], [ret(errno(errnoCode.ENOSYS))]),
    ...whenEqual(inspectedSyscalls.clone[arch], [
      [loadWord, 0, 0, offset.argument(0)],
      [jumpAnySet, 0, 1, namespaceFlags],
      ret(errno(errnoCode.EPERM)),
      ret(allow),
    ]),
    ...whenEqual(inspectedSyscalls.socket[arch], socketCheck()),
    ...whenEqual(inspectedSyscalls.socketpair[arch], socketCheck()),
    ...whenEqual(inspectedSyscalls.ioctl[arch], [
      [loadWord, 0, 0, offset.argument(1)],
      ...oneOf(Object.values(terminalIoctls)),
      ret(allow),
      ret(errno(errnoCode.EPERM)),
    ]),
    ret(allow),
  );
  return encode(program);
}

function socketCheck(): Instruction[] {
  return [
    [loadWord, 0, 0, offset.argument(0)],
    ...whenEqual(socketFamilies.UNIX, [ret(allow)]),
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
