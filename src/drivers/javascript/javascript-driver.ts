import type { Artifact, Driver, Instance, StartSpec } from "../driver.ts";
import { bundleFunction } from "./bundle-function.ts";
import type { BundleTarget } from "./bundle-target.ts";
import { releaseBundler, retainBundler } from "./bundler-lifetime.ts";
import { explainStart } from "./explain-start.ts";

/** What starts and keeps the instances of a driver. */
interface InstanceHost extends Pick<Driver, "warm" | "close"> {
  probe(): ReturnType<Driver["probe"]>;
  start(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<Instance>;
}

export interface JavascriptDriverOptions {
  readonly name: string;
  /** What modules are bundled for. */
  readonly target: BundleTarget;
  readonly host: InstanceHost;
}

/** A driver that bundles a function's files into one module, and explains starts that fail from it. */
export function javascriptDriver({ name, target, host }: JavascriptDriverOptions): Driver {
  retainBundler();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await host.close();
    await releaseBundler();
  };
  return {
    name,
    probe: () => host.probe(),
    warm: () => host.warm(),
    prepare: (request, signal) => bundleFunction(request, target, signal),
    start: (artifact, spec, signal) => explainStart(artifact, host.start(artifact, spec, signal)),
    close() {
      closed ??= close();
      return closed;
    },
  };
}
