import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { imageFailure } from "./image-failure.ts";
import { moduleEnding, readModule } from "./kernel-module.ts";

/** A module as it is loaded: not compressed. */
export interface KernelModule {
  /** With dashes or underscores, as its file has it, e.g. `virtio-rng.ko`. */
  readonly name: string;
  readonly content: Uint8Array;
}

/**
 * The wanted modules of a kernel and those that they need, in the order in which they can be loaded. What the kernel has built in is left out. `folder` is its folder below `lib/modules`.
 */
export async function kernelModules(
  folder: string,
  wanted: readonly string[],
): Promise<readonly KernelModule[]> {
  const builtIn = new Set(
    readFileSync(join(folder, "modules.builtin"), "utf8").split("\n").map(moduleName),
  );
  const files = moduleFiles(folder);
  const ordered = new Map<string, KernelModule>();
  const visit = async (name: string, trail: readonly string[]): Promise<void> => {
    if (builtIn.has(name) || trail.includes(name) || ordered.has(name)) return;
    const file = files.get(name);
    if (file === undefined) {
      throw imageFailure(
        `Cannot use the kernel of ${folder}: it has no module ${name}`,
        "Install Debian's kernel for cloud machines: apt-get install linux-image-cloud-amd64",
      );
    }
    const content = await readModule(file);
    for (const need of needsOf(content)) await visit(need, [...trail, name]);
    ordered.set(name, { name: basename(file).replace(moduleEnding, ".ko"), content });
  };
  for (const name of wanted) await visit(name, []);
  return [...ordered.values()];
}

function moduleFiles(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(join(folder, "kernel"), { recursive: true, encoding: "utf8" });
  const files = entries.filter((entry) => moduleEnding.test(entry));
  return new Map(files.map((file) => [moduleName(file), join(folder, "kernel", file)]));
}

/** `kernel/drivers/char/hw_random/virtio-rng.ko` is the module `virtio_rng`. */
function moduleName(file: string): string {
  return basename(file).replace(moduleEnding, "").replaceAll("-", "_");
}

/** A module says itself which others it needs. */
function needsOf(module: Uint8Array): readonly string[] {
  const text = Buffer.from(module).toString("latin1");
  const [, needs = ""] = /\0depends=([\w,-]*)\0/.exec(text) ?? [];
  return needs.split(",").filter(Boolean).map(moduleName);
}
