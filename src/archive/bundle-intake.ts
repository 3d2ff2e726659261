import { createBundlePaths, parseBundlePath } from "../domain/bundle-path.ts";
import { invalidBundle, shownName, type UnpackMeter } from "./bundle-limits.ts";

/** What every way to upload goes through, entry by entry: the rules of paths and of counts. */
export interface BundleIntake {
  /** The file's path below the root. ReactorError `bundle_invalid` or `bundle_too_large`. */
  addFile(name: string): string;
  addFolder(name: string): void;
}

/** Starts taking in the entries of one bundle. */
export function createBundleIntake(meter: UnpackMeter): BundleIntake {
  const paths = createBundlePaths();
  return {
    addFile(name) {
      meter.addEntry(name);
      const path = parseBundlePath(name);
      if (path === "" || name.endsWith("/")) {
        throw invalidBundle(`${shownName(name)} names no file`);
      }
      paths.addFile(path);
      meter.requireEntries(paths.count, name);
      return path;
    },
    addFolder(name) {
      meter.addEntry(name);
      paths.addFolder(parseBundlePath(name));
      meter.requireEntries(paths.count, name);
    },
  };
}
