import { type FSWatcher, lstatSync, readdirSync, watch } from "node:fs";
import path from "node:path";

export interface TreeWatch {
  close(): void;
}

/** Folders that are never looked into: what tools write there is no change of the project. */
const skippedFolders: ReadonlySet<string> = new Set(["node_modules", ".git", ".reactor"]);
/** What editors keep beside a file that is open: vim's swap and probe files, Emacs's locks, backups. */
const editorFile = /^\.#|^4913$|~$|\.sw[a-z]$|^\.DS_Store$/;

/**
 * Calls `onChange` with the path of whatever appears, changes or goes below a folder. One watch per
 * folder, so that `node_modules` costs none. A file that is replaced by a rename is seen, since its
 * folder is what is watched; so is a folder that takes another's name.
 */
export function watchTree(root: string, onChange: (changed: string) => void): TreeWatch {
  const watches = new Map<string, FSWatcher>();

  const leave = (folder: string): void => {
    for (const [watched, watcher] of watches) {
      if (watched !== folder && !watched.startsWith(folder + path.sep)) continue;
      watches.delete(watched);
      watcher.close();
    }
  };

  const enter = (folder: string): void => {
    try {
      // Watched before it is read: what is made in between is found by one of the two.
      const watcher = watch(folder, (event, name) => {
        if (name === null || editorFile.test(name) || skippedFolders.has(name)) return;
        const changed = path.join(folder, name);
        if (event === "rename") {
          leave(changed);
          if (isFolder(changed)) enter(changed);
        }
        onChange(changed);
      });
      // A folder that goes says so here as well; its parent's watch has the news.
      watcher.on("error", () => leave(folder));
      watches.get(folder)?.close();
      watches.set(folder, watcher);
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && !skippedFolders.has(entry.name)) {
          enter(path.join(folder, entry.name));
        }
      }
    } catch (error) {
      if (!isGone(error)) throw error;
      leave(folder);
    }
  };

  enter(root);
  return { close: () => leave(root) };
}

function isFolder(file: string): boolean {
  try {
    return lstatSync(file).isDirectory();
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" || code === "ENOTDIR";
}
