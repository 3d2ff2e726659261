import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../domain/manifest.ts";
import { unavailableDependencies } from "./dependency-error.ts";
import type { DependencyInstaller, Installed, InstallRequest } from "./dependency-installer.ts";
import { Flights } from "./flights.ts";
import type { InstallPlan } from "./install-plan.ts";
import { type NpmOptions, planNpm } from "./npm/plan-npm.ts";
import { planPython, type PythonOptions } from "./python/plan-python.ts";
import type { InstalledTree, TreeCache } from "./tree-cache.ts";

export interface InstallerOptions extends NpmOptions, PythonOptions {
  readonly cache: TreeCache;
  readonly clock: Clock;
  /** Longest time that one install may take. */
  readonly timeoutMs: number;
}

/** Part of every cache key: raise it when the same files give another install. */
const installerVersion = "1";
const noteCharsMax = 16_384;
const javascriptRuntimes: ReadonlySet<Runtime> = new Set(["bun", "node", "deno"]);

interface Outcome {
  readonly tree: InstalledTree;
  readonly cached: boolean;
}

/** Creates the installer of one server. */
export function createDependencyInstaller(options: InstallerOptions): DependencyInstaller {
  const { clock, cache } = options;
  const flights = new Flights<Outcome>();
  return {
    async install(request, signal) {
      const plan = planFor(options, request);
      if (plan === undefined) return { files: request.files, notes: [] };
      const startedMs = clock.monotonicMs();
      const key = digestOf([plan.file, ...plan.madeFrom]);
      const make = async (stop: AbortSignal): Promise<Outcome> => {
        const known = await cache.get(key);
        if (known !== undefined) return { tree: known, cached: true };
        const tree = await withinTime(options, stop, plan.make);
        await cache.put(key, tree);
        return { tree, cached: false };
      };
      const outcome = await flights.run(key, make, signal);
      return installed(request, plan, outcome, clock.monotonicMs() - startedMs);
    },
  };
}

function planFor(options: InstallerOptions, request: InstallRequest): InstallPlan | undefined {
  if (javascriptRuntimes.has(request.runtime)) return planNpm(options, request);
  return request.runtime === "python" ? planPython(options, request.files) : undefined;
}

function installed(
  { files }: InstallRequest,
  plan: InstallPlan,
  { tree, cached }: Outcome,
  tookMs: number,
): Installed {
  const from = cached ? ", from the cache" : "";
  const [first = "", ...more] = tree.notes;
  const notes = [`installed ${plan.file} in ${Math.round(tookMs)} ms${from}: ${first}`, ...more];
  return {
    files: new Map([...[...files].filter(([path]) => !plan.spends(path)), ...tree.files]),
    notes: notes.map((note) => note.slice(0, noteCharsMax)),
  };
}

/** Runs work that listens to its signal, and aborts it when the time is up. */
async function withinTime<T>(
  { clock, timeoutMs }: InstallerOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const abort = (): void => limited.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = clock.after(timeoutMs, () =>
    limited.abort(
      unavailableDependencies(
        `it took longer than ${timeoutMs} ms (functions.install_timeout_ms) to fetch them`,
      ),
    ),
  );
  try {
    return await work(limited.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const digest = createHash("sha256").update(`reactor-install-${installerVersion}`);
  for (const part of parts) {
    const bytes = Buffer.from(part);
    digest.update(`\n${bytes.length}\n`).update(bytes);
  }
  return digest.digest("hex");
}
