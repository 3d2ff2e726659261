/** A file of the archive; its folders come before it. */
export interface CpioEntry {
  /** Without a leading slash. */
  readonly path: string;
  /** Type and permissions as in an inode. */
  readonly mode: number;
  readonly content: Uint8Array;
}

export const cpioModes = { folder: 0o040755, program: 0o100755, file: 0o100644 } as const;

const magic = "070701";
const alignment = 4;

/** Packs an archive as the kernel unpacks it ("newc"); all is root's and without times. */
export function packCpio(entries: readonly CpioEntry[]): Uint8Array {
  const end = { path: "TRAILER!!!", mode: 0, content: new Uint8Array() };
  const parts = [...entries, end].flatMap((entry, index) => partsOf(entry, index + 1));
  return Buffer.concat(parts);
}

function partsOf({ path, mode, content }: CpioEntry, inode: number): readonly Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const [uid, gid, links, modified, device] = [0, 0, 1, 0, 0];
  // biome-ignore format: the order of the format
  const fields = [
    inode, mode, uid, gid, links, modified, content.length,
    device, device, device, device, name.length, 0,
  ];
  const head = magic + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  const start = Buffer.concat([Buffer.from(head, "latin1"), name]);
  return [start, paddingOf(start.length), content, paddingOf(content.length)];
}

function paddingOf(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment);
}
