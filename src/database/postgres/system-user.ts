import { readFileSync } from "node:fs";
import type { SystemUser } from "./cluster-folder.ts";

/** Users that PostgreSQL may run as when the server is root, the best first. */
const candidates = ["postgres", "nobody"];

interface PasswdEntry extends SystemUser {
  readonly name: string;
}

function passwd(): readonly PasswdEntry[] {
  return readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .flatMap((line) => {
      const [name = "", , uid, gid] = line.split(":");
      return uid === undefined || gid === undefined
        ? []
        : [{ name, uid: Number(uid), gid: Number(gid) }];
    });
}

/** Whom PostgreSQL runs as: never root, which it refuses; undefined: as the server itself. */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const entries = passwd();
  for (const name of candidates) {
    const found = entries.find((entry) => entry.name === name && entry.uid !== 0);
    if (found !== undefined) return { uid: found.uid, gid: found.gid };
  }
  return { uid: 65_534, gid: 65_534 };
}

/** The name of the user that the server runs as; undefined when the system knows none. */
export function serverUserName(): string | undefined {
  const uid = process.getuid?.();
  return passwd().find((entry) => entry.uid === uid)?.name;
}
