import type { Artifact, Driver, Instance, StartSpec } from "../driver.ts";
import { bundleFunction } from "./bundle-function.ts";
import type { BundleTarget } from "./bundle-target.ts";
import { releaseBundler, retainBundler } from "./bundler-lifetime.ts";
import { explainStart } from "./explain-start.ts";
import { reachableParts } from "./reachable-parts.ts";

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
    prepare: async (request, signal) => scanned(await bundleFunction(request, target, signal)),
    start: (artifact, spec, signal) =>
      explainStart(artifact, host.start(scanned(artifact), spec, signal)),
    close() {
      closed ??= close();
      return closed;
    },
  };
}

/** Artifacts that were scanned: a deployment keeps its own, and starts many instances. */
const known = new WeakMap<Artifact, Artifact>();

/** The artifact with what its code reaches. */
function scanned(artifact: Artifact): Artifact {
  if (artifact.reaches !== undefined) return artifact;
  const found = known.get(artifact) ?? { ...artifact, reaches: reachableParts(artifact.code) };
  known.set(artifact, found);
  return found;
}
