import { describe, expect, test } from "bun:test";
import { seccompFilter } from "./seccomp-filter.ts";
import { deniedSyscalls, inspectedSyscalls, type SeccompArch } from "./seccomp-syscalls.ts";

const auditArch = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;
const allow = 0x7fff0000;
const kill = 0x80000000;
const eperm = 0x00050001;
const enosys = 0x00050026;
const eafnosupport = 0x00050061;
const eprotonosupport = 0x0005005d;

/** Runs a classic BPF program over a struct seccomp_data as the kernel would. */
function run(
  program: Buffer,
  call: { arch: number; nr: number; args?: readonly number[] },
): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.nr >>> 0, 0);
  data.writeUInt32LE(call.arch, 4);
  for (const [index, value] of (call.args ?? []).entries())
    data.writeUInt32LE(value >>> 0, 16 + index * 8);
  let accumulator = 0;
  for (let at = 0; at < program.length; at += 8) {
    const [code, value] = [program.readUInt16LE(at), program.readUInt32LE(at + 4)];
    const jump = (taken: boolean): void => {
      at += 8 * program.readUInt8(at + (taken ? 2 : 3));
    };
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) jump(accumulator === value);
    else if (code === 0x35) jump(accumulator >= value);
    else if (code === 0x45) jump((accumulator & value) !== 0);
    else if (code === 0x54) accumulator = (accumulator & value) >>> 0;
    else if (code === 0x06) return value;
    else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error("the program ended without a verdict");
}

const arches: readonly SeccompArch[] = ["x64", "arm64"];

describe.each(arches)("seccompFilter on %s", (name) => {
  const program = seccompFilter(name);
  const arch = auditArch[name];
  const { clone, clone3, ioctl, socket, socketpair } = inspectedSyscalls;

  test("answers EPERM to every call of the table", () => {
    for (const numbers of Object.values(deniedSyscalls)) {
      const nr = numbers[name === "x64" ? 0 : 1];
      if (nr !== undefined) expect(run(program, { arch, nr })).toBe(eperm);
    }
  });

  test("allows what is in no table", () => {
    const listed = new Set<number | undefined>(
      Object.values(deniedSyscalls).map((numbers) => numbers[name === "x64" ? 0 : 1]),
    );
    const inspected = new Set<number>(
      Object.values(inspectedSyscalls).map((numbers) => numbers[name]),
    );
    for (let nr = 0; nr < 470; nr++) {
      if (listed.has(nr) || inspected.has(nr)) continue;
      expect(run(program, { arch, nr })).toBe(allow);
    }
  });

  test("kills a call of another architecture", () => {
    expect(run(program, { arch: 0x40000003, nr: 1 })).toBe(kill);
    expect(run(program, { arch: auditArch[name === "x64" ? "arm64" : "x64"], nr: 1 })).toBe(kill);
  });

  test("hides clone3 and refuses clone with any namespace flag", () => {
    expect(run(program, { arch, nr: clone3[name] })).toBe(enosys);
    expect(run(program, { arch, nr: clone[name], args: [0x3d0f00] })).toBe(allow);
    for (const flag of [
      0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000,
    ]) {
      expect(run(program, { arch, nr: clone[name], args: [flag | 0x11] })).toBe(eperm);
    }
  });

  test("knows the socket families UNIX, INET and INET6 only", () => {
    for (const nr of [socket[name], socketpair[name]]) {
      for (let family = 0; family < 50; family++) {
        const expected = [1, 2, 10].includes(family) ? allow : eafnosupport;
        expect(run(program, { arch, nr, args: [family, 1] })).toBe(expected);
      }
    }
  });

  test("knows streams and datagrams of the internet's common protocols only", () => {
    const flags = 0x80800;
    for (const family of [2, 10]) {
      for (let type = 0; type < 16; type++) {
        const args = [family, type | flags, 0];
        const expected = type === 1 || type === 2 ? allow : eperm;
        expect(run(program, { arch, nr: socket[name], args })).toBe(expected);
      }
      for (let protocol = 0; protocol < 300; protocol++) {
        const args = [family, 1 | flags, protocol];
        const expected = [0, 1, 6, 17, 58].includes(protocol) ? allow : eprotonosupport;
        expect(run(program, { arch, nr: socket[name], args })).toBe(expected);
      }
    }
    expect(run(program, { arch, nr: socket[name], args: [1, 5, 0] })).toBe(allow);
  });

  test("refuses the ioctls that type into a terminal or give it a line discipline", () => {
    expect(run(program, { arch, nr: ioctl[name], args: [0, 0x5412] })).toBe(eperm);
    expect(run(program, { arch, nr: ioctl[name], args: [0, 0x541c] })).toBe(eperm);
    expect(run(program, { arch, nr: ioctl[name], args: [0, 0x5423] })).toBe(eperm);
    expect(run(program, { arch, nr: ioctl[name], args: [0, 0x5401] })).toBe(allow);
  });
});

test("the x86-64 filter kills calls by way of the x32 ABI", () => {
  expect(run(seccompFilter("x64"), { arch: auditArch.x64, nr: 0x40000000 + 165 })).toBe(kill);
});
