import { readFileSync, writeFileSync } from "node:fs";

/**
 * `npm run lock`, after a change of dependencies. npm leaves an optional package of another platform
 * out of the lock when its registry does not have it, and `npm ci` then refuses the lock. This names
 * each such package by version and platform; a machine that they are not for never fetches them.
 */
interface LockEntry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const file = new URL("../package-lock.json", import.meta.url);
const lock: { packages: Record<string, LockEntry> } = JSON.parse(readFileSync(file, "utf8"));
const packages = { ...lock.packages };

/** Whether a package found from the folder `from` by Node's rules is in the lock. */
function isLocked(from: string, name: string): boolean {
  for (let folder = from; ; ) {
    if (`${folder}${folder === "" ? "" : "/"}node_modules/${name}` in packages) return true;
    if (folder === "") return false;
    const parent = folder.lastIndexOf("/node_modules/");
    folder = parent < 0 ? "" : folder.slice(0, parent);
  }
}

const systems = /android|darwin|freebsd|linux|openharmony|win32|windows/;
const processors = /aarch64|arm64|arm|ia32|ppc64|riscv64|s390x|x64/;

function stub(name: string, version: string, parent: LockEntry): LockEntry {
  const os = systems.exec(name)?.[0];
  const cpu = processors.exec(name.slice(name.search(systems)))?.[0];
  return {
    version,
    ...(parent.dev === true ? { dev: true } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os === "windows" ? "win32" : os] }),
    ...(cpu === undefined ? {} : { cpu: [cpu === "aarch64" ? "arm64" : cpu] }),
    ...(name.includes("musl") ? { libc: ["musl"] } : {}),
  };
}

for (const [from, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(from, name)) continue;
    packages[`node_modules/${name}`] = stub(name, version, entry);
    console.log(`named ${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
