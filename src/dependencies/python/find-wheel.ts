import { sha256Hex } from "../../base/digest.ts";
import { refuseDependencies } from "../dependency-error.ts";
import type { Download } from "../download.ts";
import { installLimits } from "../install-limits.ts";
import type { Platform } from "../platform.ts";
import { nativeFit } from "./native-fit.ts";
import type { Requirement } from "./requirements.ts";
import { askSimpleIndex, type IndexFile } from "./simple-index.ts";
import {
  isForPython,
  isPureWheel,
  isWheelOf,
  parseWheelName,
  type WheelName,
} from "./wheel-name.ts";

export interface WheelSources {
  /** Wheels that came with the upload, by file name. */
  readonly uploaded: ReadonlyMap<string, Uint8Array>;
  /** The operator's index; undefined when there is none or it may not be asked. */
  readonly index: string | undefined;
  readonly download: Download;
  /** `3.11.2`. */
  readonly pythonVersion: string;
  /** What machine code must be for; undefined when none is allowed. */
  readonly native: Platform | undefined;
}

/**
 * The wheel of a pinned package: from the upload, else from the operator's index. `bundle_invalid`
 * when there is none that is for this Python and pure, or of machine code that is allowed, or it has none of the wanted hashes.
 */
export async function findWheel(
  sources: WheelSources,
  wanted: Requirement,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const uploaded = [...sources.uploaded].flatMap(([file, bytes]) => candidate(file, bytes, wanted));
  const [own] = usable(uploaded, sources);
  if (own !== undefined) return hashed(own.content, wanted, undefined);
  if (sources.index === undefined) throw absent(sources, wanted, uploaded);
  const listed = await askSimpleIndex({ ...sources, index: sources.index }, wanted.name, signal);
  const offered = listed.flatMap((entry) => candidate(entry.file, entry, wanted));
  const fitting = usable(offered, sources);
  const found =
    fitting.find(({ content }) => wanted.hashes.includes(content.sha256 ?? "")) ?? fitting[0];
  if (found === undefined) throw absent(sources, wanted, [...uploaded, ...offered]);
  return fetchWheel(sources.download, found.content, wanted, signal);
}

/** Behind every fit of machine code. */
const pureRank = 3;

interface Candidate<T> {
  readonly file: string;
  readonly wheel: WheelName;
  readonly content: T;
}

function candidate<T>(file: string, content: T, wanted: Requirement): Candidate<T>[] {
  const wheel = parseWheelName(file);
  return wheel !== undefined && isWheelOf(wheel, wanted) ? [{ file, wheel, content }] : [];
}

/** Those that run here, the closest fit first, as pip takes them. */
function usable<T>(candidates: readonly Candidate<T>[], sources: WheelSources): Candidate<T>[] {
  return candidates
    .flatMap((one) => {
      const rank = rankOf(one.wheel, sources);
      return rank === undefined ? [] : [{ one, rank }];
    })
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ one }) => one);
}

function rankOf(wheel: WheelName, { pythonVersion, native }: WheelSources): number | undefined {
  if (isPureWheel(wheel)) return isForPython(wheel, pythonVersion) ? pureRank : undefined;
  if (native === undefined) return undefined;
  return nativeFit(wheel, { version: pythonVersion, platform: native });
}

async function fetchWheel(
  download: Download,
  { url, sha256 }: IndexFile,
  wanted: Requirement,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if (sha256 === undefined && wanted.hashes.length === 0) {
    throw refuseDependencies(
      `neither the index nor requirements.txt has a SHA-256 of ${wanted.shown}; write --hash=sha256:… behind it`,
    );
  }
  const bytesMax = installLimits.packedBytesMax;
  const bytes = await download({ url, what: wanted.shown, bytesMax }, signal);
  return hashed(bytes, wanted, sha256);
}

/** The bytes, when they have one of the hashes of requirements.txt and that of the index. */
function hashed(
  bytes: Uint8Array,
  { shown, hashes }: Requirement,
  listed: string | undefined,
): Uint8Array {
  const digest = sha256Hex(bytes);
  const bad =
    hashes.length > 0 && !hashes.includes(digest)
      ? "requirements.txt"
      : listed !== undefined && listed !== digest
        ? "the index"
        : undefined;
  if (bad === undefined) return bytes;
  throw refuseDependencies(
    `the wheel of ${shown} has the SHA-256 ${digest}, which is not what ${bad} says (integrity mismatch)`,
  );
}

/** Says what there is instead, since that is what has to change. */
function absent(
  { index, pythonVersion, native: platform }: WheelSources,
  { shown, name }: Requirement,
  candidates: readonly Candidate<unknown>[],
): Error {
  const native = candidates.find(({ wheel }) => !isPureWheel(wheel));
  const other = candidates.find(({ wheel }) => isPureWheel(wheel));
  if (other !== undefined) {
    return refuseDependencies(
      `${other.file} is not for Python ${pythonVersion}, which runs functions here`,
    );
  }
  if (native !== undefined && platform !== undefined) {
    const { os, cpu, libc, libcVersion } = platform;
    return refuseDependencies(
      `${native.file} has machine code that does not fit: functions run here on Python ${pythonVersion}, ${os} ${cpu}, ${libc} ${libcVersion}`,
    );
  }
  if (native !== undefined) {
    return refuseDependencies(
      `${shown} is there as native code only (${native.file}), which is not loaded unless the operator sets functions.native_addons; or use a package that is pure Python (*-none-any.whl)`,
    );
  }
  const where = index === undefined ? "in wheels/" : "in wheels/ or in the operator's index";
  const remedy = `put it there: pip download --no-deps --only-binary :all: -d wheels ${shown}`;
  const more = index === undefined ? "; or the operator sets functions.python_index" : "";
  return refuseDependencies(`there is no wheel of ${shown} (${name}) ${where}; ${remedy}${more}`);
}
