/** Start of a program that the kernel loads as it is: its header, then the code at once. */
function elf(code: readonly number[]): Buffer {
  const base = 0x400000n;
  const codeAt = 0x78;
  const file = Buffer.alloc(codeAt + code.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1], 0);
  file.writeUInt16LE(2, 16); // an executable
  file.writeUInt16LE(0x3e, 18); // x86-64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(base + BigInt(codeAt), 24); // where it begins
  file.writeBigUInt64LE(0x40n, 32); // where the one program header is
  file.writeUInt16LE(0x40, 52);
  file.writeUInt16LE(0x38, 54);
  file.writeUInt16LE(1, 56);
  file.writeUInt32LE(1, 64); // to be loaded
  file.writeUInt32LE(5, 68); // readable and executable
  file.writeBigUInt64LE(base, 80);
  file.writeBigUInt64LE(base, 88);
  file.writeBigUInt64LE(BigInt(file.length), 96);
  file.writeBigUInt64LE(BigInt(file.length), 104);
  file.writeBigUInt64LE(0x1000n, 112);
  file.set(code, codeAt);
  return file;
}

/** mov edi, eax; neg edi; mov eax, 60; syscall: exits with the number of the error. */
const exitWithError = [0x89, 0xc7, 0xf7, 0xdf, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];

/** mov eax, 272; mov edi, CLONE_NEWUSER; syscall. */
const native = [0xb8, 0x10, 1, 0, 0, 0xbf, 0, 0, 0, 0x10, 0x0f, 0x05, ...exitWithError];

/** mov eax, 310; mov ebx, CLONE_NEWUSER; int 0x80: the same call by the table of 32-bit programs. */
const foreign = [0xb8, 0x36, 1, 0, 0, 0xbb, 0, 0, 0, 0x10, 0xcd, 0x80, ...exitWithError];

/** Programs of the probe's own, in base64; empty where this processor has other machine code. */
export function machineCode(arch: NodeJS.Architecture): { native: string; foreign: string } {
  if (arch !== "x64") return { native: "", foreign: "" };
  return { native: elf(native).toString("base64"), foreign: elf(foreign).toString("base64") };
}
