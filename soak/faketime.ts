import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const libraryFolders = [
  "/usr/lib/x86_64-linux-gnu/faketime",
  "/usr/lib/aarch64-linux-gnu/faketime",
  "/usr/lib/faketime",
];

/** A wall clock of a server's own that can be moved while it runs; the monotonic clock goes on. */
export interface MovableClock {
  /** What the server is started with. */
  readonly env: Readonly<Record<string, string>>;
  /** Moves the clock to so many seconds beside the machine's. */
  moveTo(offsetSecs: number): Promise<void>;
}

/** Undefined when libfaketime is not installed. */
export async function createMovableClock(folder: string): Promise<MovableClock | undefined> {
  const library = await findLibrary();
  if (library === undefined) return undefined;
  const file = join(folder, "faketime");
  const moveTo = (offsetSecs: number): Promise<void> =>
    writeFile(file, `${offsetSecs < 0 ? "" : "+"}${offsetSecs}\n`);
  await moveTo(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
    },
    moveTo,
  };
}

async function findLibrary(): Promise<string | undefined> {
  for (const folder of libraryFolders) {
    const names: string[] = await readdir(folder).catch(() => []);
    if (names.includes("libfaketime.so.1")) return join(folder, "libfaketime.so.1");
  }
  return undefined;
}
