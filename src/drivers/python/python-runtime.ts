import { existsSync } from "node:fs";
import { join } from "node:path";
import type { RuntimeSpec } from "../process/process-runtime.ts";
import { buildPythonGuest } from "./build-guest.ts";
import { type PythonInstallation, pythonVersion } from "./find-python.ts";

/** Where systems keep the public certificates that `ssl` trusts; the other runtimes bring their own. */
const certificateFolders = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"];

/** How Python is run, whatever isolates it. */
export function pythonRuntime({ binaryPath, prefix }: PythonInstallation): RuntimeSpec {
  return {
    name: "python",
    binaryPath,
    // No packages of the machine (-S, -s), no files beside the sources (-B), UTF-8 everywhere. Not
    // -I: an interpreter outside of /usr finds its library by PYTHONHOME, and nothing else is set.
    args: ["-S", "-s", "-B", "-X", "utf8"],
    unsandboxedArgs: [],
    env: prefix === undefined ? {} : environmentOf(prefix),
    mounts: [...(prefix === undefined ? [] : [prefix]), ...certificateFolders.filter(existsSync)],
    guest: { name: "guest.pyz", build: () => buildPythonGuest(binaryPath) },
    version: pythonVersion,
  };
}

/** Lets an interpreter find its library although the sandbox has its binary at another path. */
function environmentOf(prefix: string): Record<string, string> {
  return { PYTHONHOME: prefix, LD_LIBRARY_PATH: join(prefix, "lib") };
}
