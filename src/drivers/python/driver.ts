import type { Driver } from "../driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import type { PythonInstallation } from "./find-python.ts";
import { packFunction } from "./pack-function.ts";
import { pythonRuntime } from "./python-runtime.ts";

export interface PythonDriverOptions extends ProcessHostOptions {
  /** The interpreter; `findPython` finds it. */
  readonly installation: PythonInstallation;
  /** Whether functions may bring machine code; not unless given. */
  readonly nativeAddons?: boolean;
}

/** Creates the driver that runs functions in sandboxed Python processes. */
export function createPythonDriver(options: PythonDriverOptions): Driver {
  const { installation, nativeAddons = false } = options;
  const host = new ProcessHost(new SandboxLauncher(pythonRuntime(installation), options), options);
  return {
    name: "python",
    probe: () => host.probe(),
    warm: () => host.warm(),
    prepare: (request, signal) => packFunction(request, signal, { allowsNative: nativeAddons }),
    start: (artifact, spec, signal) => host.start(artifact, spec, signal),
    close: () => host.close(),
  };
}
