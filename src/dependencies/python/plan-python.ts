import { refuseDependencies } from "../dependency-error.ts";
import type { Download } from "../download.ts";
import type { InstallPlan } from "../install-plan.ts";
import type { Platform } from "../platform.ts";
import { installWheels, packagesFolder } from "./install-wheels.ts";
import { markerEnvironment } from "./marker.ts";
import { readRequirements } from "./requirements.ts";

export interface PythonOptions {
  readonly download: Download;
  readonly platform: Platform;
  /** The Python that runs functions, e.g. `3.11.2`; undefined when there is none. */
  readonly pythonVersion: string | undefined;
  /** Setting `functions.python_index`. */
  readonly pythonIndex: string | undefined;
  /** Setting `functions.native_addons`. */
  readonly nativeAddons: boolean;
}

const wheelsFolder = "wheels/";
const file = "requirements.txt";

/** What a Python function's requirements.txt asks for; undefined when there is nothing to install. */
export function planPython(
  { download, platform, pythonVersion, pythonIndex, nativeAddons }: PythonOptions,
  files: ReadonlyMap<string, Uint8Array>,
): InstallPlan | undefined {
  const written = files.get(file);
  // Packages that came with the upload are used as they are.
  const vendored = [...files.keys()].some((path) => path.startsWith(`${packagesFolder}/`));
  if (written === undefined || vendored || pythonVersion === undefined) return undefined;
  const environment = markerEnvironment({ version: pythonVersion, cpu: platform.cpu });
  const { packages, noIndex } = readRequirements(written, environment);
  if (packages.length === 0) return undefined;
  const uploaded = uploadedWheels(files);
  const index = noIndex ? undefined : pythonIndex;
  const native = nativeAddons ? platform : undefined;
  return {
    file,
    madeFrom: [
      JSON.stringify([environment, index ?? null, native ?? null]),
      written,
      ...[...uploaded].flatMap(([name, bytes]) => [name, bytes]),
    ],
    make: (signal) =>
      installWheels(
        { uploaded, index, download, pythonVersion, native },
        packages,
        environment,
        signal,
      ),
    spends: (path) => path.startsWith(wheelsFolder),
  };
}

function uploadedWheels(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const [path, bytes] of files) {
    if (!path.startsWith(wheelsFolder)) continue;
    const name = path.slice(wheelsFolder.length);
    if (/\.(?:tar\.gz|zip|tar\.bz2)$/.test(name)) {
      throw refuseDependencies(
        `${path} is a source package, which would have to be built; put its wheel there: pip wheel --no-deps -w wheels ${path}`,
      );
    }
    if (name.endsWith(".whl")) found.set(name, bytes);
  }
  return found;
}
