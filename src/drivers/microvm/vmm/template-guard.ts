import {
  allow,
  encode,
  errno,
  errnoCode,
  type Instruction,
  jumpAnySet,
  jumpGreaterOrEqual,
  keepBits,
  loadWord,
  offset,
  oneOf,
  preamble,
  ret,
  whenEqual,
} from "../../process/seccomp-program.ts";

/** Calls of x86-64, the only architecture with QEMU's `microvm` machine. */
const syscalls = {
  open: 2,
  mmap: 9,
  ioctl: 16,
  mremap: 25,
  truncate: 76,
  ftruncate: 77,
  creat: 85,
  remap_file_pages: 216,
  openat: 257,
  fallocate: 285,
  openat2: 437,
} as const;
const openTruncates = 0x200; // O_TRUNC
const mappingTypeBits = 0xf; // MAP_TYPE
const sharedMappings = [0x1, 0x3] as const; // MAP_SHARED, MAP_SHARED_VALIDATE
const anonymousMapping = 0x20; // MAP_ANONYMOUS
/** The kernel's half of a virtual processor: three pages, from the start of its descriptor. */
const processorBytesMax = 16 * 1024;
/** Bits of an ioctl's number that say whose it is. */
const ioctlFamilyBits = 0xff00;
/** Terminals, sockets and pipes; KVM. Those of file systems exchange, zero and clone blocks. */
const harmlessIoctls = [0x5400, 0xae00] as const;

/** Arguments have 64 bits, the low half first. */
const highWord = 4;
const allBits = 0xffffffff;

const refused = ret(errno(errnoCode.EPERM));

export interface GuardOptions {
  /** The machine has hardware virtualisation, whose processors are mapped into the VMM. */
  readonly kvm: boolean;
}

/**
 * Assembles the seccomp program of a virtual machine that is a clone. QEMU opens the file with the
 * template's memory for writing though it maps it privately, so a QEMU that its guest has taken over
 * could change what every other clone is made of. With a limit of 0 bytes on what it may write to
 * files, and this program, there is no call left that changes a file.
 *
 * With KVM the first pages of a file can be mapped as a processor's are. Of a machine's memory those
 * are what its firmware used while it booted, which no kernel looks at again.
 *
 * `fallocate` seems to succeed: QEMU 7.2 punches a hole into the file before it gives back memory
 * that a clone's balloon holds, which must not happen, and gives nothing back when that fails.
 */
export function templateGuard({ kvm }: GuardOptions): Buffer {
  const { argument } = offset;
  return encode([
    ...preamble("x64"),
    ...whenEqual(syscalls.open, truncationCheck(argument(1))),
    ...whenEqual(syscalls.openat, truncationCheck(argument(2))),
    // Its flags are in memory, where a filter cannot look.
    ...whenEqual(syscalls.openat2, [ret(errno(errnoCode.ENOSYS))]),
    ...whenEqual(syscalls.creat, [refused]),
    ...whenEqual(syscalls.truncate, [refused]),
    ...whenEqual(syscalls.ftruncate, [refused]),
    ...whenEqual(syscalls.mremap, [refused]),
    ...whenEqual(syscalls.remap_file_pages, [refused]),
    ...whenEqual(syscalls.fallocate, [ret(errno(0))]),
    ...whenEqual(syscalls.mmap, mappingCheck(kvm)),
    ...whenEqual(syscalls.ioctl, [
      [loadWord, 0, 0, argument(1)],
      [keepBits, 0, 0, ioctlFamilyBits],
      ...oneOf(harmlessIoctls),
      ret(errno(errnoCode.ENOTTY)),
      ret(allow),
    ]),
    ret(allow),
  ]);
}

function truncationCheck(at: number): Instruction[] {
  return [[loadWord, 0, 0, at], [jumpAnySet, 0, 1, openTruncates], refused, ret(allow)];
}

/** Shared mappings of files are refused. */
function mappingCheck(kvm: boolean): Instruction[] {
  const { argument } = offset;
  const [length, flags, start] = [argument(1), argument(3), argument(5)];
  return [
    [loadWord, 0, 0, flags],
    [jumpAnySet, 0, 1, anonymousMapping],
    ret(allow),
    [keepBits, 0, 0, mappingTypeBits],
    ...oneOf(sharedMappings),
    ret(allow),
    ...(kvm ? [start, start + highWord, length + highWord].flatMap(mustBeZero) : []),
    ...(kvm
      ? [
          [loadWord, 0, 0, length] as const,
          [jumpGreaterOrEqual, 1, 0, processorBytesMax + 1] as const,
          ret(allow),
        ]
      : []),
    refused,
  ];
}

function mustBeZero(at: number): Instruction[] {
  return [[loadWord, 0, 0, at], [jumpAnySet, 0, 1, allBits], refused];
}
