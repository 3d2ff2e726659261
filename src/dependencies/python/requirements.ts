import { refuseDependencies } from "../dependency-error.ts";
import { evaluateMarker, type MarkerEnvironment } from "./marker.ts";
import { parsePythonVersion } from "./version-order.ts";

/** One pinned package. */
export interface Requirement {
  /** As written, for messages. */
  readonly shown: string;
  /** Normalised: lower case, with single hyphens. */
  readonly name: string;
  readonly extras: readonly string[];
  readonly version: string;
  /** SHA-256 digests in hex, any of which the wheel must have; empty: none was written. */
  readonly hashes: readonly string[];
}

export interface Requirements {
  readonly packages: readonly Requirement[];
  /** `--no-index`: only what came with the upload. */
  readonly noIndex: boolean;
}

const bytesMax = 1_048_576;
const packagesMax = 1000;
const pinned =
  /^([A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?)\s*(?:\[([A-Za-z0-9._,\s-]{0,200})\])?\s*={2,3}\s*([^\s;#,*]{1,100})\s*(?:;(.*))?$/;
const remedy =
  "pin every package as name==version, also those that others need: pip freeze, pip-compile and uv pip compile write it so";

/** The name of a package as indexes compare it. */
export function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}

/**
 * Reads a requirements.txt in which everything is pinned. `bundle_invalid` names the line of what is
 * not: ranges, URLs, folders, other files, and options that lead elsewhere.
 */
export function readRequirements(bytes: Uint8Array, environment: MarkerEnvironment): Requirements {
  if (bytes.length > bytesMax) {
    throw refuseDependencies(`requirements.txt has ${bytes.length} bytes, at most ${bytesMax}`);
  }
  const packages = new Map<string, Requirement>();
  let noIndex = false;
  let hashesRequired = false;
  for (const { line, text } of logicalLines(decode(bytes))) {
    if (text.startsWith("-")) {
      const option = readOption(line, text);
      noIndex ||= option === "no-index";
      hashesRequired ||= option === "require-hashes";
      continue;
    }
    const found = readPinned(line, text, environment);
    if (found === undefined) continue;
    const other = packages.get(found.name);
    if (other !== undefined && other.version !== found.version) {
      throw refuse(line, `${found.shown} contradicts ${other.shown}`);
    }
    packages.set(found.name, found);
    if (packages.size > packagesMax) {
      throw refuseDependencies(`requirements.txt names more than ${packagesMax} packages`);
    }
  }
  const all = [...packages.values()];
  // As pip has it: one hash means that all must have one.
  const bare = all.find(({ hashes }) => hashes.length === 0);
  if ((hashesRequired || all.some(({ hashes }) => hashes.length > 0)) && bare !== undefined) {
    throw refuseDependencies(
      `requirements.txt has hashes, but none for ${bare.shown}; write --hash for every package or for none`,
    );
  }
  return { packages: all, noIndex };
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refuseDependencies("requirements.txt is not valid UTF-8", cause);
  }
}

/** Lines without comments, with those that end in a backslash joined to the next. */
function logicalLines(text: string): { readonly line: number; readonly text: string }[] {
  const lines: { line: number; text: string }[] = [];
  let held = "";
  let from = 1;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (held === "") from = index + 1;
    const bare = raw.replace(/(?:^|\s)#.*$/, "").trimEnd();
    if (bare.endsWith("\\")) {
      held += `${bare.slice(0, -1)} `;
      continue;
    }
    const whole = (held + bare).trim();
    held = "";
    if (whole !== "") lines.push({ line: from, text: whole });
  }
  if (held.trim() !== "") lines.push({ line: from, text: held.trim() });
  return lines;
}

/** The few options that say what holds anyway, or forbid more. */
function readOption(line: number, text: string): "no-index" | "require-hashes" | "nothing" {
  if (text === "--no-index" || text === "--require-hashes") {
    return text === "--no-index" ? "no-index" : "require-hashes";
  }
  if (/^--only-binary[=\s]+:all:$/.test(text)) return "nothing";
  if (/^(?:-f|--find-links)[=\s]+(?:\.\/)?wheels\/?$/.test(text)) return "nothing";
  throw refuse(
    line,
    `the option ${JSON.stringify(text.slice(0, 80))} is not taken; packages come from wheels/ and the index that the operator set, other files must be copied in`,
  );
}

function readPinned(
  line: number,
  text: string,
  environment: MarkerEnvironment,
): Requirement | undefined {
  const hashes: string[] = [];
  const plain = text
    .replace(/\s--hash[=\s]+(\S+)/g, (_option, hash: string) => {
      const hex = /^sha256:([0-9a-fA-F]{64})$/.exec(hash)?.[1];
      if (hex === undefined) {
        throw refuse(line, `${JSON.stringify(hash.slice(0, 80))} is no sha256 hash`);
      }
      hashes.push(hex.toLowerCase());
      return "";
    })
    .trim();
  const match = pinned.exec(plain);
  const [, name = "", extras = "", version = "", marker] = match ?? [];
  if (match === null || parsePythonVersion(version) === undefined) {
    throw refuse(line, `${JSON.stringify(plain.slice(0, 120))} is not pinned; ${remedy}`);
  }
  const holds = marker === undefined ? true : evaluateMarker(marker, environment);
  if (holds === undefined) {
    throw refuse(line, `the marker ${JSON.stringify(marker?.trim().slice(0, 120))} cannot be read`);
  }
  if (!holds) return undefined;
  return {
    shown: `${name}==${version}`,
    name: normalizeName(name),
    extras: extras
      .split(",")
      .flatMap((extra) => (extra.trim() === "" ? [] : [normalizeName(extra.trim())])),
    version,
    hashes,
  };
}

function refuse(line: number, reason: string): Error {
  return refuseDependencies(`requirements.txt, line ${line}: ${reason}`);
}
