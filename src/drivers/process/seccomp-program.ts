import type { SeccompArch } from "./seccomp-syscalls.ts";

/** AUDIT_ARCH_* of linux/audit.h. */
const auditArch: Record<SeccompArch, number> = { x64: 0xc000003e, arm64: 0xc00000b7 };

export const loadWord = 0x20; // BPF_LD | BPF_W | BPF_ABS
const jumpEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
export const jumpGreaterOrEqual = 0x35; // BPF_JMP | BPF_JGE | BPF_K
export const jumpAnySet = 0x45; // BPF_JMP | BPF_JSET | BPF_K
export const keepBits = 0x54; // BPF_ALU | BPF_AND | BPF_K
const returnValue = 0x06; // BPF_RET | BPF_K

export const allow = 0x7fff0000;
const killProcess = 0x80000000;
/** The call is not done and fails with this; 0: it seems to succeed. */
export const errno = (code: number): number => 0x00050000 | code;
export const errnoCode = {
  EPERM: 1,
  ENOTTY: 25,
  ENOSYS: 38,
  EPROTONOSUPPORT: 93,
  EAFNOSUPPORT: 97,
} as const;

/** Offsets into struct seccomp_data; arguments are 64-bit little endian, low word first. */
export const offset = {
  nr: 0,
  arch: 4,
  argument: (index: number): number => 16 + index * 8,
} as const;

/** x86-64 calls by way of the 32-bit-pointer ABI carry this bit. */
const x32Bit = 0x40000000;

export type Instruction = readonly [
  code: number,
  jumpTrue: number,
  jumpFalse: number,
  value: number,
];

/** How every program begins: another architecture's calls end the process; the number is loaded. */
export function preamble(arch: SeccompArch): Instruction[] {
  const program: Instruction[] = [
    [loadWord, 0, 0, offset.arch],
    [jumpEqual, 1, 0, auditArch[arch]],
    ret(killProcess),
    [loadWord, 0, 0, offset.nr],
  ];
  if (arch === "x64") program.push([jumpGreaterOrEqual, 0, 1, x32Bit], ret(killProcess));
  return program;
}

/** Runs `body`, which must return, when the accumulator is `value`. */
export function whenEqual(value: number, body: readonly Instruction[]): Instruction[] {
  return [[jumpEqual, 0, body.length, value], ...body];
}

/** Goes past the instruction that follows when the accumulator is one of the values, else to it. */
export function oneOf(values: readonly number[]): Instruction[] {
  return values.map((value, index) => [jumpEqual, values.length - index, 0, value]);
}

export function ret(value: number): Instruction {
  return [returnValue, 0, 0, value];
}

/** The bytes of an array of struct sock_filter as `bwrap --seccomp` reads it. */
export function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, [code, jumpTrue, jumpFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  }
  return bytes;
}
