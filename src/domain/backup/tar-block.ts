/** Everything in a tar file is a whole number of these. */
export const tarBlockBytes = 512;

/** The two zero blocks that end an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * tarBlockBytes);

export interface TarFile {
  /** At most 100 bytes of ASCII. */
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

const octalSizeMax = 0o77777777777;

/**
 * The one header block that a backup has for this file: a plain file of nobody with mode 0600. A
 * reader makes the same block and compares, so that no field of a hostile header is ever believed.
 */
export function tarHeader({ path, bytes, modifiedAtMs }: TarFile): Uint8Array {
  const block = Buffer.alloc(tarBlockBytes);
  const octal = (value: number, at: number, digits: number): void => {
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  };
  block.write(path, 0, "latin1");
  octal(0o600, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  if (bytes <= octalSizeMax) octal(bytes, 124, 11);
  else {
    // Beyond 8 GiB the size is a binary number, marked by its first bit, as GNU tar writes it.
    block.writeUInt8(0x80, 124);
    block.writeBigUInt64BE(BigInt(bytes), 128);
  }
  octal(Math.floor(modifiedAtMs / 1000), 136, 11);
  block.write("        0", 148, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Zero bytes between the end of a file of this size and the next block. */
export function tarPaddingBytes(bytes: number): number {
  return (tarBlockBytes - (bytes % tarBlockBytes)) % tarBlockBytes;
}

/** Bytes that a file of this size takes in an archive, header and padding included. */
export function tarEntryBytes(bytes: number): number {
  return tarBlockBytes + bytes + tarPaddingBytes(bytes);
}

/** What a header block that is not the expected one says, for an error message. Believes nothing. */
export function describeTarHeader(block: Uint8Array): string {
  if (block.every((byte) => byte === 0)) return "the end of the archive";
  const text = (from: number, to: number): string =>
    Buffer.from(block.subarray(from, to)).toString("latin1").split("\0", 1)[0] ?? "";
  if (text(257, 262) !== "ustar") return "bytes that are no tar header";
  return `an entry ${JSON.stringify(text(0, 100))} of type ${JSON.stringify(text(156, 157))}`;
}
