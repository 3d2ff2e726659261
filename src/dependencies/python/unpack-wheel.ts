import { createHash } from "node:crypto";
import { createUnpackMeter } from "../../archive/bundle-limits.ts";
import { readZip } from "../../archive/read-zip.ts";
import { refuseDependencies } from "../dependency-error.ts";
import type { InstallBudget } from "../install-budget.ts";
import { installLimits } from "../install-limits.ts";
import { renamedRefusal } from "../renamed-refusal.ts";
import { readHeaders, readMetadata, type WheelMetadata } from "./wheel-metadata.ts";

export interface UnpackedWheel {
  /** Files by their path on Python's search path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly metadata: WheelMetadata;
}

export interface UnpackWheel {
  readonly what: string;
  readonly budget: InstallBudget;
  /** Whether machine code is allowed. */
  readonly allowsNative: boolean;
}

/** Files of a wheel's record that the record itself cannot hold. */
const unrecorded = /^(?:RECORD|RECORD\.jws|RECORD\.p7s)$/;
const nativeFile = /\.(?:so|pyd|dylib|dll)(?:\.\d+)*$/i;

/**
 * The files of a wheel. Its RECORD must name every file with the SHA-256 that it has, and no other;
 * the wheel must be pure unless machine code is allowed. Scripts, headers and data of its `.data` folder are left out: there is no
 * place on the search path for them.
 */
export async function unpackWheel(
  bytes: Uint8Array,
  { what, budget, allowsNative }: UnpackWheel,
): Promise<UnpackedWheel> {
  try {
    const files = await readZip(bytes, meterOf(bytes));
    for (const content of files.values()) {
      budget.addFile();
      budget.addBytes(content.length);
    }
    return checked(files, allowsNative);
  } catch (error) {
    throw renamedRefusal(error, `the wheel of ${what}`);
  }
}

function meterOf(bytes: Uint8Array): ReturnType<typeof createUnpackMeter> {
  const { packedBytesMax, unpackedBytesMax, filesMax } = installLimits;
  return createUnpackMeter(bytes.length, {
    packedBytesMax,
    unpackedBytesMax,
    ratioMax: 100,
    ratioFreeBytes: 1_048_576,
    entriesMax: filesMax,
  });
}

function checked(files: ReadonlyMap<string, Uint8Array>, allowsNative: boolean): UnpackedWheel {
  const infos = new Set(
    [...files.keys()].flatMap((path) => /^[^/]+\.dist-info(?=\/)/.exec(path)?.[0] ?? []),
  );
  const [info] = infos;
  if (info === undefined || infos.size > 1) {
    throw refuseDependencies(`it has ${infos.size} folders *.dist-info, must have one`);
  }
  checkRecord(files, info);
  const wheel = readHeaders(fileAt(files, `${info}/WHEEL`));
  if (wheel.get("wheel-version")?.[0]?.startsWith("1.") !== true) {
    throw refuseDependencies("its WHEEL has no version 1.x");
  }
  const native = [...files.keys()].find((path) => nativeFile.test(path));
  const isPure =
    native === undefined && wheel.get("root-is-purelib")?.[0]?.toLowerCase() === "true";
  if (!isPure && !allowsNative) {
    throw refuseDependencies(
      `it is no pure Python${native === undefined ? "" : ` (${native})`}, and machine code is not loaded unless the operator sets functions.native_addons`,
    );
  }
  return {
    files: spread(files, info),
    metadata: readMetadata(fileAt(files, `${info}/METADATA`)),
  };
}

function checkRecord(files: ReadonlyMap<string, Uint8Array>, info: string): void {
  const recorded = new Set<string>();
  const text = new TextDecoder().decode(fileAt(files, `${info}/RECORD`));
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    // A name with a comma in it is quoted; hashes and sizes have none.
    const [, quoted, plain, hash = ""] =
      /^(?:"((?:[^"]|"")*)"|([^",]*)),([^,]*),\d*$/.exec(line) ?? [];
    const path = quoted?.replaceAll('""', '"') ?? plain;
    if (path === undefined) throw refuseDependencies("its RECORD cannot be read");
    if (path.startsWith(`${info}/`) && unrecorded.test(path.slice(info.length + 1))) continue;
    const content = files.get(path);
    if (content === undefined) {
      throw refuseDependencies(
        `its RECORD names ${JSON.stringify(path.slice(0, 200))}, which is not in it`,
      );
    }
    const digest = createHash("sha256").update(content).digest("base64url");
    if (hash.replace(/=+$/, "") !== `sha256=${digest}`) {
      throw refuseDependencies(`${path} has another content than its RECORD says`);
    }
    recorded.add(path);
  }
  for (const path of files.keys()) {
    if (recorded.has(path)) continue;
    if (path.startsWith(`${info}/`) && unrecorded.test(path.slice(info.length + 1))) continue;
    throw refuseDependencies(`its RECORD does not name ${JSON.stringify(path.slice(0, 200))}`);
  }
}

/** The files where Python looks for them. */
function spread(
  files: ReadonlyMap<string, Uint8Array>,
  info: string,
): ReadonlyMap<string, Uint8Array> {
  const data = `${info.replace(/\.dist-info$/, "")}.data/`;
  const placed = new Map<string, Uint8Array>();
  for (const [path, content] of files) {
    if (!path.startsWith(data)) {
      placed.set(path, content);
      continue;
    }
    const inner = /^(?:purelib|platlib)\/(.+)$/.exec(path.slice(data.length))?.[1];
    if (inner !== undefined) placed.set(inner, content);
  }
  return placed;
}

function fileAt(files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array {
  const found = files.get(path);
  if (found === undefined) throw refuseDependencies(`it has no ${path}`);
  return found;
}
