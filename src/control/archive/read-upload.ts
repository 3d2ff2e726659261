import type { Upload } from "../control-plane.ts";
import { createBundleIntake } from "../../archive/bundle-intake.ts";
import {
  type BundleLimits,
  createUnpackMeter,
  invalidBundle,
} from "../../archive/bundle-limits.ts";
import { readTar } from "../../archive/read-tar.ts";
import { readZip } from "../../archive/read-zip.ts";

/**
 * The files of an upload by path: of a zip, tar.gz or tar, told apart by their first bytes, or as
 * they came. A common top folder is kept: paths count from the archive's root. ReactorError
 * `bundle_invalid` or `bundle_too_large`.
 */
export async function readUpload(
  upload: Upload,
  limits: BundleLimits,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const files =
    upload.kind === "archive"
      ? await readArchive(upload.bytes, limits)
      : checkFiles(upload.files, limits);
  if (files.size === 0) throw invalidBundle("it holds no files; add the function's code");
  return files;
}

async function readArchive(
  bytes: Uint8Array,
  limits: BundleLimits,
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (bytes.length === 0) throw invalidBundle("it is empty; send a zip, tar.gz or tar");
  const meter = createUnpackMeter(bytes.length, limits);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return readTar(bytes, meter, { gzipped: true });
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return readZip(bytes, meter);
  const magic = Buffer.from(bytes.subarray(257, 262)).toString("latin1");
  if (magic === "ustar") return readTar(bytes, meter, { gzipped: false });
  throw invalidBundle("it is neither a zip nor a tar.gz nor a tar");
}

/** Files that came one by one: no packing, so that their sum is held to the packed bound. */
function checkFiles(
  files: ReadonlyMap<string, Uint8Array>,
  limits: BundleLimits,
): ReadonlyMap<string, Uint8Array> {
  let sum = 0;
  for (const content of files.values()) sum += content.length;
  const meter = createUnpackMeter(sum, limits);
  const intake = createBundleIntake(meter);
  const checked = new Map<string, Uint8Array>();
  for (const [name, content] of files) checked.set(intake.addFile(name), content);
  return checked;
}
