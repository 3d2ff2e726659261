import type { Driver } from "../driver.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { packFunction } from "../python/pack-function.ts";
import { MicrovmHost, type MicrovmHostOptions } from "./microvm-host.ts";

export interface MicrovmDriverOptions extends MicrovmHostOptions {
  readonly runtime: "bun" | "node" | "python";
  /** Whether functions may bring machine code; not unless given. */
  readonly nativeAddons?: boolean;
}

/** Creates the driver that runs functions of one runtime, each instance in a virtual machine of its own. */
export function createMicrovmDriver(options: MicrovmDriverOptions): Driver {
  const host = new MicrovmHost(options);
  const driver = codeDriver(options, host);
  return {
    ...driver,
    snapshots: host.snapshots,
    async prepare(request, signal) {
      const artifact = await driver.prepare(request, signal);
      await host.ready(request.manifest, signal);
      return artifact;
    },
  };
}

/** Functions are prepared as for the processes of their runtime. */
function codeDriver(
  { runtime, nativeAddons = false }: MicrovmDriverOptions,
  host: MicrovmHost,
): Driver {
  const name = `${runtime}-microvm`;
  if (runtime === "python") {
    let closed: Promise<void> | undefined;
    return {
      name,
      probe: () => host.probe(),
      warm: () => host.warm(),
      prepare: (request, signal) => packFunction(request, signal, { allowsNative: nativeAddons }),
      start: (artifact, spec, signal) => host.start(artifact, spec, signal),
      close: () => (closed ??= host.close()),
    };
  }
  const bundled = bundleTargets[runtime];
  const target = nativeAddons ? withNativeAddons(bundled) : bundled;
  return javascriptDriver({ name, target, host });
}
