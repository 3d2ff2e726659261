import { refuseDependencies } from "../dependency-error.ts";
import { evaluateMarker, type MarkerEnvironment } from "./marker.ts";
import { normalizeName, type Requirement } from "./requirements.ts";
import type { UnpackedWheel } from "./unpack-wheel.ts";
import { fitsSpecifiers, parsePythonVersion } from "./version-order.ts";

/**
 * Checks that every installed package gets what its metadata asks for: a Python of its range, and
 * each package it needs, pinned to a version of the range. `bundle_invalid` names what to add.
 */
export function checkNeeds(
  installed: ReadonlyMap<Requirement, UnpackedWheel>,
  environment: MarkerEnvironment,
): void {
  const versions = new Map([...installed.keys()].map(({ name, version }) => [name, version]));
  for (const [wanted, { metadata }] of installed) {
    const python = environment["python_full_version"] ?? "";
    if (metadata.requiresPython !== undefined && !fits(python, metadata.requiresPython)) {
      throw refuseDependencies(
        `${wanted.shown} needs Python ${metadata.requiresPython}, and functions run on ${python} here`,
      );
    }
    for (const line of metadata.requires) checkNeed(wanted, line, { versions, environment });
  }
}

const needForm =
  /^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:\(([^)]*)\)|([^;@]*))\s*(?:;(.*))?$/;

function checkNeed(
  wanted: Requirement,
  line: string,
  known: {
    readonly versions: ReadonlyMap<string, string>;
    readonly environment: MarkerEnvironment;
  },
): void {
  const [, rawName, bracketed, bare = "", marker] = needForm.exec(line) ?? [];
  if (rawName === undefined) {
    throw refuseDependencies(
      `${wanted.shown} needs ${JSON.stringify(line.slice(0, 120))}, which is no package of an index`,
    );
  }
  if (marker !== undefined && !holds(marker, wanted, known.environment)) return;
  const name = normalizeName(rawName);
  const version = known.versions.get(name);
  const range = (bracketed ?? bare).trim();
  if (version === undefined) {
    throw refuseDependencies(
      `${wanted.shown} needs ${name}${range}, which requirements.txt does not pin; add it, as pip freeze and pip-compile do`,
    );
  }
  if (!fits(version, range)) {
    throw refuseDependencies(
      `${wanted.shown} needs ${name}${range}, and requirements.txt pins ${name}==${version}`,
    );
  }
}

/** Whether the need is there for the package itself or one of the extras that were asked for. */
function holds(marker: string, { extras }: Requirement, environment: MarkerEnvironment): boolean {
  const verdicts = ["", ...extras].map((extra) =>
    evaluateMarker(marker, { ...environment, extra }),
  );
  // What cannot be read may hold.
  return verdicts.some((verdict) => verdict !== false);
}

function fits(version: string, range: string): boolean {
  const parsed = parsePythonVersion(version);
  return parsed !== undefined && fitsSpecifiers(parsed, range) === true;
}
