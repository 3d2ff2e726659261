import { BackupFault } from "./backup-fault.ts";
import { parseWrappedKey, type WrappedKey } from "./key-wrap.ts";

/** The format that this build writes, and the newest that it reads. */
const backupFormat = 2;
export const manifestPath = "backup.json";
/** Holds the SHA-256 of `backup.json`, which in turn holds that of every other file. */
export const manifestSumPath = "backup.json.sha256";
export const storePath = "reactor.db";

/** Bound of `backup.json`, which is read as a whole; enough for about 350,000 blobs. */
export const manifestBytesMax = 64 * 2 ** 20;

export interface BackupFile {
  /** `reactor.db`, `blobs/<digest>` or `databases/<project id>.dump`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * What became of the functions' databases: they are in it, they are on a server of the operator's
 * own, or whoever took the backup did not want them.
 */
const databaseStates = ["included", "external", "left_out"] as const;
export type DatabaseState = (typeof databaseStates)[number];

/** What a backup says about itself. As JSON its keys are in snake_case. */
export interface BackupManifest {
  readonly id: string;
  readonly serverVersion: string;
  readonly createdAtMs: number;
  /** Version of the store's data format. */
  readonly storeFormat: number;
  /** The key that the server used, and the key itself when it was wrapped into the backup. */
  readonly dataKey: { readonly id: string; readonly wrapped: WrappedKey | undefined };
  /** Keys that secrets in the store are sealed under. */
  readonly secretKeyIds: readonly string[];
  /** Blobs that were damaged or missing on the server already, and so are left out. */
  readonly damagedBlobs: readonly string[];
  readonly databases: {
    readonly state: DatabaseState;
    /** Major version of the PostgreSQL that they were in; undefined for none. */
    readonly postgresMajor: number | undefined;
  };
  /** The store first, then the blobs in order, then the databases in order. */
  readonly files: readonly BackupFile[];
}

export function blobPath(digest: string): string {
  return `blobs/${digest}`;
}

export function dumpPath(projectId: string): string {
  return `databases/${projectId}.dump`;
}

const blobPattern = /^blobs\/[0-9a-f]{64}$/;
const dumpPattern = /^databases\/([a-z][a-z0-9_]{0,40})\.dump$/;

/** The blobs among a backup's files. */
export function blobsOf({ files }: BackupManifest): readonly BackupFile[] {
  return files.filter(({ path }) => blobPattern.test(path));
}

/** The project whose database the file is; undefined for a file that is none. */
export function dumpedProject({ path }: BackupFile): string | undefined {
  return dumpPattern.exec(path)?.[1];
}

/** The manifest as it stands in the backup. */
export function writeManifest(manifest: BackupManifest): Uint8Array {
  const { dataKey } = manifest;
  const json = {
    format: backupFormat,
    id: manifest.id,
    server_version: manifest.serverVersion,
    created_at: new Date(manifest.createdAtMs).toISOString(),
    store_format: manifest.storeFormat,
    data_key: { id: dataKey.id, wrapped: dataKey.wrapped ?? null },
    secret_key_ids: manifest.secretKeyIds,
    damaged_blobs: manifest.damagedBlobs,
    databases: {
      state: manifest.databases.state,
      postgres_major: manifest.databases.postgresMajor ?? null,
    },
    files: manifest.files,
  };
  return Buffer.from(`${JSON.stringify(json)}\n`);
}

const digestPattern = /^[0-9a-f]{64}$/;
const keyIdPattern = /^[A-Za-z0-9_-]{1,64}$/;
const keysOfFormat: Readonly<Record<number, string>> = {
  1: "created_at damaged_blobs data_key files format id secret_key_ids server_version store_format",
  2: "created_at damaged_blobs data_key databases files format id secret_key_ids server_version store_format",
};

/** Parses `backup.json`. Throws BackupFault, for a newer format by its number. */
export function parseManifest(bytes: Uint8Array): BackupManifest {
  const json = record(parseJson(bytes), "it");
  const format = json["format"];
  if (Number.isInteger(format) && Number(format) > backupFormat) {
    throw new BackupFault(
      `The backup has format ${String(format)}, made by Reactor ${JSON.stringify(json["server_version"])}; this Reactor reads formats up to ${backupFormat}: use the newer one`,
    );
  }
  const keys = keysOfFormat[Number(format)];
  check(Number.isInteger(format) && keys !== undefined, "`format` must be 1 or 2");
  check(Object.keys(json).sort().join(" ") === keys, `its keys must be ${keys}`);
  const databases = format === 1 ? noDatabases : parseDatabases(json["databases"]);
  const dataKey = record(json["data_key"], "`data_key`");
  const createdAtMs = Date.parse(text(json["created_at"], /^[0-9TZ:.-]{24}$/, "`created_at`"));
  check(Number.isFinite(createdAtMs), "`created_at` is no time");
  check(whole(json["store_format"]), "`store_format` must be a whole number");
  return Object.freeze({
    id: text(json["id"], /^bkp_[0-9a-z]{26}$/, "`id`"),
    serverVersion: text(json["server_version"], /^[\w.+-]{1,64}$/, "`server_version`"),
    createdAtMs,
    storeFormat: Number(json["store_format"]),
    dataKey: {
      id: text(dataKey["id"], keyIdPattern, "`data_key.id`"),
      wrapped: dataKey["wrapped"] === null ? undefined : parseWrappedKey(dataKey["wrapped"]),
    },
    secretKeyIds: texts(json["secret_key_ids"], keyIdPattern, "`secret_key_ids`"),
    damagedBlobs: texts(json["damaged_blobs"], digestPattern, "`damaged_blobs`"),
    databases,
    files: parseFiles(json["files"], databases.state),
  });
}

/** Backups of format 1 never had them. */
const noDatabases: BackupManifest["databases"] = { state: "left_out", postgresMajor: undefined };

function parseDatabases(value: unknown): BackupManifest["databases"] {
  const { state: named, postgres_major: major, ...rest } = record(value, "`databases`");
  check(Object.keys(rest).length === 0, "`databases` has an unknown key");
  const state = databaseStates.find((known) => known === named);
  if (state === undefined) {
    throw new BackupFault(`${manifestPath} is damaged: \`databases.state\` is none of its values`);
  }
  check(major === null || whole(major), "`databases.postgres_major` must be a whole number");
  return { state, postgresMajor: major === null ? undefined : Number(major) };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new BackupFault(`${manifestPath} is damaged: it is no JSON`, { cause });
  }
}

/** The store, then the others in rising order: so none twice, and no other name than these. */
function parseFiles(value: unknown, databases: DatabaseState): BackupFile[] {
  check(Array.isArray(value), "`files` must be a list");
  const files = (value as unknown[]).map(parseFile);
  check(files[0]?.path === storePath, `\`files\` must start with ${storePath}`);
  for (const [i, file] of files.entries()) {
    if (i === 0) continue;
    const { path, sha256 } = file;
    const isDump = databases === "included" && dumpedProject(file) !== undefined;
    check(
      isDump || path === blobPath(sha256),
      `file ${i} must be a blob named by its digest, or the database of a project`,
    );
    check(i === 1 || path > (files[i - 1]?.path ?? ""), `file ${i} is out of order or there twice`);
  }
  return files;
}

function parseFile(value: unknown): BackupFile {
  const { path, bytes, sha256, ...rest } = record(value, "an entry of `files`");
  check(Object.keys(rest).length === 0, "an entry of `files` has an unknown key");
  check(whole(bytes), "`bytes` of a file must be a whole number");
  return {
    path: text(
      path,
      /^(reactor\.db|blobs\/[0-9a-f]{64}|databases\/[a-z][a-z0-9_]{0,40}\.dump)$/,
      "`path` of a file",
    ),
    bytes: Number(bytes),
    sha256: text(sha256, digestPattern, "`sha256` of a file"),
  };
}

function whole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function texts(value: unknown, pattern: RegExp, what: string): string[] {
  check(Array.isArray(value), `${what} must be a list`);
  return (value as unknown[]).map((item) => text(item, pattern, `an entry of ${what}`));
}

function text(value: unknown, pattern: RegExp, what: string): string {
  check(typeof value === "string" && pattern.test(value), `${what} must match ${pattern.source}`);
  return value as string;
}

function record(value: unknown, what: string): Readonly<Record<string, unknown>> {
  check(
    typeof value === "object" && value !== null && !Array.isArray(value),
    `${what} must be an object`,
  );
  return value as Readonly<Record<string, unknown>>;
}

function check(holds: boolean, rule: string): void {
  if (!holds) throw new BackupFault(`${manifestPath} is damaged: ${rule}`);
}
