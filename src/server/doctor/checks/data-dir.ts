import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { ReactorError } from "../../../domain/errors.ts";
import { readDataKeyFile } from "../../config/data-key.ts";
import { ConfigError } from "../../config/config-error.ts";
import type { Settings } from "../../config/settings.ts";
import type { Finding } from "../finding.ts";

const mib = 1_048_576;
const freeMbMin = 64;
const freeMbGood = 1024;

/** The folder itself, or the nearest one above it that exists. */
async function nearestExisting(folder: string): Promise<string> {
  const state = await stat(folder).catch(() => undefined);
  return state || folder === path.dirname(folder) ? folder : nearestExisting(path.dirname(folder));
}

async function checkFolder(folder: string): Promise<Finding> {
  const name = "data folder";
  const existing = await nearestExisting(folder);
  const state = await stat(existing);
  const present = existing === folder;
  const found = present ? folder : `${folder} is not there yet, ${existing} is`;
  if (!state.isDirectory()) {
    return {
      name,
      state: "missing",
      found: `${existing} is not a folder`,
      means: "nothing can be stored",
      remedy: "name another with --data-dir",
      essential: true,
    };
  }
  const writable = await access(existing, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  if (!writable) {
    return {
      name,
      state: "missing",
      found: `${existing} cannot be written to`,
      means: "nothing can be stored",
      remedy: `chown the folder to the server's user, or name another with --data-dir`,
      essential: true,
    };
  }
  const mode = (state.mode & 0o777).toString(8).padStart(4, "0");
  if (present && (state.mode & 0o022) !== 0) {
    return {
      name,
      state: "warn",
      found: `${folder} has mode ${mode}`,
      means: "other users may change what the server stores",
      remedy: `chmod 700 ${folder}`,
      essential: true,
    };
  }
  return {
    name,
    state: "ok",
    found,
    means: present ? "the server can store there" : "it is made on first start",
    essential: true,
  };
}

async function checkDisk(folder: string): Promise<Finding> {
  const space = await statfs(await nearestExisting(folder));
  const free = Math.floor((space.bavail * space.bsize) / mib);
  const total = Math.floor((space.blocks * space.bsize) / mib);
  const state = free < freeMbMin ? "missing" : free < freeMbGood ? "warn" : "ok";
  return {
    name: "disk space",
    state,
    found: `${free} MiB free of ${total} MiB below ${folder}`,
    means:
      state === "ok"
        ? "room for bundles and logs"
        : "deploys and logs will soon fail with storage_full",
    ...(state === "ok" ? {} : { remedy: "free space, or move the folder with --data-dir" }),
    essential: true,
  };
}

/** Reads through the store: format, integrity, and what to do when either is wrong. */
async function checkStore(folder: string): Promise<Finding> {
  const file = path.join(folder, "reactor.db");
  const common = { name: "store", essential: true } as const;
  try {
    // Every command line loads this file; the store's code is for this check alone.
    const { inspectSqliteStore } = await import("../../../store/sqlite/inspect-sqlite-store.ts");
    const found = await inspectSqliteStore(file, systemClock);
    if (found === undefined) {
      const means = "it is made on first start";
      return { ...common, state: "ok", found: `${file} is not there yet`, means };
    }
    const { bytes, formatVersion, formatKnown, appliedBy, problems } = found;
    const size = `${Math.ceil(bytes / mib)} MiB`;
    const by = appliedBy === undefined ? "" : ` by Reactor ${appliedBy}`;
    const format = `format ${formatVersion}${by}, ${size}`;
    if (problems.length > 0) return damagedStore(file, `${format}: ${problems.join("; ")}`);
    if (formatVersion > formatKnown) {
      return {
        ...common,
        state: "missing",
        found: `${format}; this Reactor knows formats up to ${formatKnown}`,
        means: "the server refuses to start",
        remedy: `start ${appliedBy === undefined ? "the newer Reactor" : `Reactor ${appliedBy}`}, or restore a backup made before the upgrade`,
      };
    }
    const means =
      formatVersion < formatKnown
        ? `every page is sound; the next start migrates to format ${formatKnown} and keeps a copy`
        : "every page, index and reference is sound";
    return { ...common, state: "ok", found: format, means };
  } catch (error) {
    if (error instanceof ReactorError) return damagedStore(file, error.message);
    throw error;
  }
}

function damagedStore(file: string, found: string): Finding {
  return {
    name: "store",
    state: "missing",
    found,
    means: "the server refuses to start, or refuses what meets the damage",
    remedy: `stop the server and restore a backup (reactor backup restore), or save what is readable: sqlite3 ${file} .recover`,
    essential: true,
  };
}

async function checkDataKey(settings: Settings): Promise<Finding> {
  const name = "data key";
  if (settings.dataKey !== undefined) {
    return {
      name,
      state: "ok",
      found: "set by functions.data_key",
      means: "secrets are encrypted with it",
      essential: true,
    };
  }
  const file = settings.dataKeyFile;
  try {
    const key = await readDataKeyFile(file);
    return {
      name,
      state: "ok",
      found: key ? `${file}, for its owner only` : `${file} is not there yet`,
      means: key
        ? "secrets are encrypted with it; keep a copy of it elsewhere"
        : "it is made on first start",
      essential: true,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      name,
      state: "missing",
      found: error.problems.join("; "),
      means: "the server refuses to start",
      remedy: `chmod 600 ${file}, or restore the file from its copy`,
      essential: true,
    };
  }
}

/** Where the server stores: folder, space, the store itself, and the key of the secrets. */
export async function checkDataDir(settings: Settings): Promise<readonly Finding[]> {
  return Promise.all([
    checkFolder(settings.dataDir),
    checkDisk(settings.dataDir),
    checkStore(settings.dataDir),
    checkDataKey(settings),
  ]);
}
