import { lstat, readdir, readlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Something in the root of an image, by its path there. */
export type RootEntry =
  | { readonly kind: "folder"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "file";
      readonly path: string;
      /** A file of this machine that has the content. */
      readonly from: string;
      readonly executable: boolean;
      /** Unix seconds; absent where nobody reads it. */
      readonly modified?: number;
    }
  | {
      readonly kind: "content";
      readonly path: string;
      readonly content: string | Uint8Array;
    };

/** What an image's root holds; folders come by themselves. The first entry of a path stays. */
export class RootTree {
  readonly #entries = new Map<string, RootEntry>();

  add(entry: RootEntry): void {
    const { path } = entry;
    if (!isPlain(path)) throw new Error(`Cannot put "${path}" into an image: its name is odd`);
    if (this.#entries.has(path)) return;
    const parent = dirname(path);
    if (parent !== "/") this.add({ kind: "folder", path: parent });
    this.#entries.set(path, entry);
  }

  /** A file of this machine at its own path; what a link names. */
  addFile(path: string, executable = false): void {
    this.add({ kind: "file", path, from: path, executable });
  }

  /** A folder of this machine with everything in it, at its own path; links as they are. */
  async addFolder(path: string, keeps: (path: string) => boolean = () => true): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries) {
      const at = join(path, entry.name);
      if (!keeps(at)) continue;
      if (entry.isDirectory()) await this.addFolder(at, keeps);
      else if (entry.isSymbolicLink()) {
        this.add({ kind: "link", path: at, target: await readlink(at) });
      } else if (entry.isFile()) {
        const { mode, mtimeMs } = await lstat(at);
        const executable = (mode & 0o111) !== 0;
        // Python takes a compiled module only when it has the time of its source.
        const modified = at.endsWith(".py") ? { modified: Math.floor(mtimeMs / 1000) } : {};
        this.add({ kind: "file", path: at, from: at, executable, ...modified });
      }
    }
    this.add({ kind: "folder", path });
  }

  /** Every entry, each after its folder, in an order that depends on the names alone. */
  entries(): readonly RootEntry[] {
    const byPath = [...this.#entries.values()].map((entry) => [entry.path, entry] as const);
    return byPath.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, entry]) => entry);
  }
}

/** Absolute, and without what the tool that writes the file system takes for something else. */
function isPlain(path: string): boolean {
  return /^(\/[^/"\\<\p{Cc}]+)+$/u.test(path) && !/\/\.\.?(\/|$)/.test(path);
}
