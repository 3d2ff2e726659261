import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Driver } from "../driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import { buildPythonGuest } from "./build-guest.ts";
import { type PythonInstallation, pythonVersion } from "./find-python.ts";
import { packFunction } from "./pack-function.ts";

export interface PythonDriverOptions extends ProcessHostOptions {
  /** The interpreter; `findPython` finds it. */
  readonly installation: PythonInstallation;
  /** Whether functions may bring machine code; not unless given. */
  readonly nativeAddons?: boolean;
}

/** Where systems keep the public certificates that `ssl` trusts; the other runtimes bring their own. */
const certificateFolders = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"];

/** Creates the driver that runs functions in sandboxed Python processes. */
export function createPythonDriver(options: PythonDriverOptions): Driver {
  const { installation, nativeAddons = false } = options;
  const { binaryPath, prefix } = installation;
  const launcher = new SandboxLauncher(
    {
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
    },
    options,
  );
  const host = new ProcessHost(launcher, options);
  return {
    name: "python",
    probe: () => host.probe(),
    warm: () => host.warm(),
    prepare: (request, signal) => packFunction(request, signal, { allowsNative: nativeAddons }),
    start: (artifact, spec, signal) => host.start(artifact, spec, signal),
    close: () => host.close(),
  };
}

/** Lets an interpreter find its library although the sandbox has its binary at another path. */
function environmentOf(prefix: string): Record<string, string> {
  return { PYTHONHOME: prefix, LD_LIBRARY_PATH: join(prefix, "lib") };
}
