import { refuseDependencies } from "../dependency-error.ts";
import type { LockedPackage } from "./lock-tree.ts";
import { isRegistryUrl, registryUrl } from "./registry-url.ts";

/** Where packages come from. */
export interface NpmRegistry {
  /** The URL of a package's archive. `bundle_invalid` when nobody says where it is. */
  urlOf(locked: Pick<LockedPackage, "name" | "version" | "url">): Promise<string>;
}

export interface NpmRegistryOptions {
  /** Setting `functions.npm_registry`. */
  readonly setting: string | undefined;
  /** What this machine's npm uses; undefined when there is none. Asked when it is needed. */
  readonly machine: () => Promise<string | undefined>;
}

/**
 * The operator's registry has the first word: what any registry has, it has. Without one, the
 * lockfile's URL is used, and else the registry of this machine's npm. What the function's own
 * .npmrc says is never read.
 */
export function createNpmRegistry({ setting, machine }: NpmRegistryOptions): NpmRegistry {
  return {
    async urlOf({ name, version, url }) {
      if (url !== undefined && (setting === undefined || !isRegistryUrl(url, name, version))) {
        return url;
      }
      const registry = setting ?? (await machine());
      if (registry !== undefined) return registryUrl(registry, name, version);
      throw refuseDependencies(
        `the lockfile does not say where ${name}@${version} is, and this server knows no registry; the operator sets functions.npm_registry`,
      );
    },
  };
}
