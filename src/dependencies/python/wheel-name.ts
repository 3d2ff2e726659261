import { normalizeName } from "./requirements.ts";
import { comparePythonVersions, parsePythonVersion } from "./version-order.ts";

/** What a wheel's file name says: `requests-2.32.3-py3-none-any.whl`. */
export interface WheelName {
  readonly name: string;
  readonly version: string;
  readonly pythons: readonly string[];
  readonly abis: readonly string[];
  readonly platforms: readonly string[];
}

/** Parses the name of a wheel; undefined when it is none. */
export function parseWheelName(file: string): WheelName | undefined {
  const match =
    /^([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-([A-Za-z0-9._+!]+)(?:-\d[A-Za-z0-9._]*)?-([A-Za-z0-9._]+)-([A-Za-z0-9._]+)-([A-Za-z0-9._]+)\.whl$/.exec(
      file,
    );
  if (match === null || file.length > 300) return undefined;
  const [, name = "", version = "", pythons = "", abis = "", platforms = ""] = match;
  return {
    name: normalizeName(name),
    version,
    pythons: pythons.split("."),
    abis: abis.split("."),
    platforms: platforms.split("."),
  };
}

/** Whether a wheel is of this package and version. */
export function isWheelOf(wheel: WheelName, wanted: { name: string; version: string }): boolean {
  const [a, b] = [parsePythonVersion(wheel.version), parsePythonVersion(wanted.version)];
  const same = a !== undefined && b !== undefined && comparePythonVersions(a, b) === 0;
  return wheel.name === wanted.name && same;
}

/** Whether a wheel is pure Python, which every machine can run. */
export function isPureWheel({ abis, platforms }: WheelName): boolean {
  return abis.includes("none") && platforms.includes("any");
}

/** Whether a pure wheel is for a Python such as `3.11.2`. */
export function isForPython({ pythons }: WheelName, version: string): boolean {
  const minor = Number(version.split(".")[1]);
  return pythons.some((tag) => {
    const [, kind, digits = ""] = /^(py|cp)3(\d*)$/.exec(tag) ?? [];
    if (kind === undefined) return false;
    // py39 runs on every later one; cp39 is for that one only.
    return digits === "" || (kind === "py" ? Number(digits) <= minor : Number(digits) === minor);
  });
}
