import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import { installLimits } from "../install-limits.ts";
import { findInTree, type LockedPackage, type LockTree } from "./lock-tree.ts";

/** A package of a lockfile that is a graph: what it needs is told by id, not by place. */
export interface GraphPackage
  extends Pick<LockedPackage, "name" | "version" | "integrity" | "url" | "os" | "cpu" | "libc"> {
  /** Ids by the name under which the package imports them. */
  readonly required: ReadonlyMap<string, string>;
  readonly optional: ReadonlyMap<string, string>;
}

export interface PackageGraph {
  readonly required: ReadonlyMap<string, string>;
  readonly optional: ReadonlyMap<string, string>;
  /** Throws for an id that is not in the lock. */
  find(id: string): GraphPackage;
}

/** Folders inside of one another at most; more is a circle of versions that no tree can hold. */
const depthMax = 16;

/**
 * Lays a graph of packages out as folders below node_modules, so that Node's own lookup finds for
 * each package exactly what the lock says. A package goes as far up as it can: not beside another
 * version of the same name, and not between a package and what that already found further up.
 */
export function placePackages(graph: PackageGraph): LockTree {
  const layout = new Layout();
  const packages = new Map<string, LockedPackage>();
  const queue: { readonly path: string; readonly needs: Omit<PackageGraph, "find"> }[] = [
    { path: "", needs: graph },
  ];
  let needed = 0;
  for (const { path, needs } of queue) {
    needed += needs.required.size + needs.optional.size;
    if (needed > installLimits.needsMax) {
      throw tooManyDependencies(
        `the packages of the lockfile need one another more than ${installLimits.needsMax} times`,
      );
    }
    for (const [name, id] of [...needs.required, ...needs.optional]) {
      const placed = layout.place(path, name, id);
      if (placed === undefined) continue;
      if (packages.size >= installLimits.packagesMax) {
        throw tooManyDependencies(
          `the lockfile lays out more than ${installLimits.packagesMax} packages`,
        );
      }
      const found = graph.find(id);
      packages.set(placed, toLocked(found));
      queue.push({ path: placed, needs: found });
    }
  }
  return { root: needsOf(graph), packages };
}

function toLocked(found: GraphPackage): LockedPackage {
  const { name, version, integrity, url, os, cpu, libc } = found;
  const needs = needsOf(found);
  return { name, version, integrity, url, os, cpu, libc, needs, bundled: false };
}

function needsOf({ required, optional }: Omit<PackageGraph, "find">): LockedPackage["needs"] {
  return { required: [...required.keys()], optional: [...optional.keys()], peers: [] };
}

interface Lookup {
  /** The package that looks. */
  readonly from: string;
  /** The folder whose node_modules has what it finds. */
  readonly foundIn: string;
}

class Layout {
  /** Ids by folder. */
  readonly #placed = new Map<string, string>();
  /** What packages found already, by name: must stay what they find. */
  readonly #lookups = new Map<string, Lookup[]>();

  /** Sees to it that `from` finds `id` under `name`; the new folder when one was needed. */
  place(from: string, name: string, id: string): string | undefined {
    const nearest = findInTree(this.#placed, from, name);
    if (nearest !== undefined && this.#placed.get(nearest) === id) {
      this.#remember(name, from, holderOf(nearest, name));
      return undefined;
    }
    const above = nearest === undefined ? undefined : holderOf(nearest, name);
    // From the function's own folder downwards; the package itself is the last and always free.
    const holders = lineage(from).filter((dir) => above === undefined || dir.length > above.length);
    const holder = holders.find((dir) => !this.#hides(dir, name)) ?? from;
    const path = holder === "" ? `node_modules/${name}` : `${holder}/node_modules/${name}`;
    if (lineage(path).length > depthMax) {
      throw refuseDependencies(
        `${id} cannot be laid out: packages need each other in several versions; use a package-lock.json`,
      );
    }
    this.#placed.set(path, id);
    this.#remember(name, from, holder);
    return path;
  }

  #remember(name: string, from: string, foundIn: string): void {
    const lookups = this.#lookups.get(name) ?? [];
    lookups.push({ from, foundIn });
    this.#lookups.set(name, lookups);
  }

  /** Whether a package of this name in `dir` would hide what somebody below found further up. */
  #hides(dir: string, name: string): boolean {
    return (this.#lookups.get(name) ?? []).some(
      ({ from, foundIn }) =>
        foundIn.length < dir.length && (from === dir || from.startsWith(`${dir}/`)),
    );
  }
}

function holderOf(path: string, name: string): string {
  return path.slice(0, -`node_modules/${name}`.length).replace(/\/$/, "");
}

/** The packages around a folder, from the function's own ("") to itself. */
function lineage(path: string): string[] {
  if (path === "") return [""];
  const names = path.slice("node_modules/".length).split("/node_modules/");
  return [
    "",
    ...names.map((_, index) => `node_modules/${names.slice(0, index + 1).join("/node_modules/")}`),
  ];
}
