import { join } from "node:path";

/** What is written beside an image's files. */
export interface ImageRecord {
  /** The runtime's name, e.g. `bun`. */
  readonly runtime: string;
  readonly runtimeVersion: string;
  readonly kernelVersion: string;
  /** Arguments that the kernel needs for this image. */
  readonly kernelArgs: string;
  /** Of everything in the root: what tells whether it is still what would be made here. */
  readonly sourceDigest: string;
  /** SHA-256 of each file by its name. */
  readonly files: Readonly<Record<ImageFile, string>>;
  readonly bytes: number;
  readonly builtAtMs: number;
}

export const imageFiles = ["vmlinuz", "initramfs.cpio", "root.ext4"] as const;
export type ImageFile = (typeof imageFiles)[number];

/** What a microVM of one runtime boots from. The files are never changed. */
export interface MicrovmImage extends ImageRecord {
  /** 32 hex digits: of its files' digests and of what the kernel is told. */
  readonly id: string;
  readonly folder: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  /** A read-only ext4 file system, the machine's first disk. */
  readonly rootPath: string;
}

export const recordFile = "image.json";

export function imageIn(folder: string, id: string, record: ImageRecord): MicrovmImage {
  return {
    ...record,
    id,
    folder,
    kernelPath: join(folder, "vmlinuz" satisfies ImageFile),
    initramfsPath: join(folder, "initramfs.cpio" satisfies ImageFile),
    rootPath: join(folder, "root.ext4" satisfies ImageFile),
  };
}
