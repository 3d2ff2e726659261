import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { imageFailure } from "./image-failure.ts";

/**
 * The files of the wanted modules of a kernel and of those that they need, in the order in which they
 * can be loaded. What the kernel has built in is left out. `folder` is its folder below `lib/modules`.
 */
export function kernelModules(folder: string, wanted: readonly string[]): readonly string[] {
  const builtIn = new Set(
    readFileSync(join(folder, "modules.builtin"), "utf8").split("\n").map(moduleName),
  );
  const files = moduleFiles(folder);
  const ordered = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (builtIn.has(name) || trail.includes(name)) return;
    const file = files.get(name);
    if (file === undefined) {
      throw imageFailure(
        `Cannot use the kernel of ${folder}: it has no module ${name}`,
        "Install Debian's kernel for cloud machines: apt-get install linux-image-cloud-amd64",
      );
    }
    for (const need of needsOf(file)) visit(need, [...trail, name]);
    ordered.add(file);
  };
  for (const name of wanted) visit(name, []);
  return [...ordered];
}

function moduleFiles(folder: string): ReadonlyMap<string, string> {
  const entries = readdirSync(join(folder, "kernel"), { recursive: true, encoding: "utf8" });
  const files = entries.filter((entry) => /\.ko(\.\w+)?$/.test(entry));
  return new Map(files.map((file) => [moduleName(file), join(folder, "kernel", file)]));
}

/** `kernel/drivers/char/hw_random/virtio-rng.ko` is the module `virtio_rng`. */
function moduleName(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, "")
    .replaceAll("-", "_");
}

/** A module says itself which others it needs. */
function needsOf(file: string): readonly string[] {
  if (!file.endsWith(".ko")) {
    throw imageFailure(
      `Cannot use the kernel module ${file}: compressed modules are not read`,
      "Use the kernel of Debian 12, whose modules are not compressed",
    );
  }
  const text = readFileSync(file).toString("latin1");
  const [, needs = ""] = /\0depends=([\w,-]*)\0/.exec(text) ?? [];
  return needs.split(",").filter(Boolean).map(moduleName);
}
