import { createUnpackMeter } from "../../archive/bundle-limits.ts";
import { gunzipMember } from "../../archive/gunzip-member.ts";
import { TarParser } from "../../archive/tar-parser.ts";
import { refuseDependencies } from "../dependency-error.ts";
import type { InstallBudget } from "../install-budget.ts";
import { installLimits } from "../install-limits.ts";
import { renamedRefusal } from "../renamed-refusal.ts";

const pathBytesMax = 400;

/**
 * The files of a package's archive by path below the package's folder: the first folder of every
 * name is left out, as every installer does. Read twice like an upload, so that a bomb is found
 * before anything is kept; nothing is written to disk, so a path can at most be refused. Later
 * entries of one name win, as they do when the archive is unpacked.
 */
export async function unpackPackage(
  archive: Uint8Array,
  what: string,
  budget: InstallBudget,
): Promise<ReadonlyMap<string, Uint8Array>> {
  try {
    await check(archive, budget);
    return await collect(archive);
  } catch (error) {
    throw renamedRefusal(error, `the archive of ${what}`);
  }
}

async function check(archive: Uint8Array, budget: InstallBudget): Promise<void> {
  const { packedBytesMax, unpackedBytesMax, filesMax } = installLimits;
  const meter = createUnpackMeter(archive.length, {
    packedBytesMax,
    unpackedBytesMax,
    ratioMax: 100,
    ratioFreeBytes: 1_048_576,
    entriesMax: filesMax,
  });
  let at = "";
  const parser = new TarParser({
    onFile(name) {
      at = name;
      meter.addEntry(name);
      budget.addFile();
      insidePackage(name);
    },
    onBytes: () => undefined,
    onFolder: (name) => meter.addEntry(name),
    onGlobalHeader: () => meter.addEntry(),
  });
  for await (const piece of gunzipMember(archive)) {
    meter.addBytes(piece.length, at);
    budget.addBytes(piece.length);
    parser.push(piece);
  }
  parser.end();
}

async function collect(archive: Uint8Array): Promise<ReadonlyMap<string, Uint8Array>> {
  const found: { readonly path: string; readonly chunks: Uint8Array[] }[] = [];
  const parser = new TarParser({
    onFile: (name) => void found.push({ path: insidePackage(name), chunks: [] }),
    onBytes: (piece) => void found.at(-1)?.chunks.push(piece.slice()),
    onFolder: () => undefined,
    onGlobalHeader: () => undefined,
  });
  for await (const piece of gunzipMember(archive)) parser.push(piece);
  parser.end();
  return new Map(found.map(({ path, chunks }) => [path, Buffer.concat(chunks)]));
}

/** A name without its first folder. Refuses what would leave the package's folder. */
function insidePackage(name: string): string {
  const path = name.replace(/^(?:\.\/)+/, "");
  const segments = path.split("/").slice(1);
  const bad =
    path.startsWith("/") ||
    /[\\\p{Cc}]/u.test(path) ||
    segments.length === 0 ||
    path.split("/").some((segment) => segment === ".." || segment === "." || segment === "");
  if (!bad && Buffer.byteLength(path) <= pathBytesMax) return segments.join("/");
  const reason = bad ? "is no plain path inside of it" : `is longer than ${pathBytesMax} bytes`;
  throw refuseDependencies(`${JSON.stringify(name.slice(0, 120))} ${reason}`);
}
