import { afterEach, beforeEach, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemRandom } from "../../base/random.ts";
import { instanceUidFirst, openRunDir } from "./run-dir.ts";
import { sweep } from "./sweep.ts";

const asRoot = process.getuid?.() === 0;

let folder: string;
let runDir: string;
let slots: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reactor-sweep-"));
  chmodSync(folder, 0o755);
  runDir = join(folder, "run", "bun");
  slots = join(runDir, "i");
  mkdirSync(join(slots, "0"), { recursive: true });
  children = [];
});

afterEach(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(folder, { recursive: true });
});

/** Starts a shell that waits, under the name of a program and with a word as its last argument. */
async function start(
  program: string,
  text: string,
  uid = instanceUidFirst + 7,
): Promise<ChildProcess> {
  const user = asRoot ? { uid, gid: uid } : {};
  const child = spawn("/bin/sh", ["-c", "read line", text], {
    argv0: program,
    stdio: ["pipe", "ignore", "ignore"],
    cwd: "/",
    ...user,
  });
  children.push(child);
  await once(child, "spawn");
  return child;
}

async function endOf(child: ChildProcess): Promise<string | null> {
  if (child.signalCode === null && child.exitCode === null) await once(child, "exit");
  return child.signalCode;
}

const isAlive = (child: ChildProcess): boolean =>
  child.exitCode === null && child.signalCode === null && existsSync(`/proc/${child.pid}`);

test("an instance that a dead server left is ended, and its folder removed", async () => {
  const stale = await start(join(runDir, "runtime"), join(slots, "0", "s"));
  const elsewhere = await start("/opt/bun", join(slots, "0", "s"));
  expect(sweep(runDir, ["/opt/bun"])).toEqual({ processes: 2, folders: 1 });
  expect(await endOf(stale)).toBe("SIGKILL");
  expect(await endOf(elsewhere)).toBe("SIGKILL");
  expect(readdirSync(slots)).toEqual([]);
});

test("a process that only names the folder is left alone", async () => {
  const innocent = [
    await start(join(folder, "editor"), join(slots, "0", "s")),
    await start(join(runDir, "runtime"), join(slots, "0", "notes.txt")),
    await start(join(runDir, "runtime"), join(folder, "run", "bun2", "i", "0", "s")),
    await start(join(runDir, "runtime"), join(slots, "0", "..", "..", "s")),
    ...(asRoot ? [await start(join(runDir, "runtime"), join(slots, "0", "s"), 0)] : []),
  ];
  expect(sweep(runDir)).toEqual({ processes: 0, folders: 1 });
  await Bun.sleep(0);
  expect(innocent.filter(isAlive)).toHaveLength(innocent.length);
});

test("links are removed and not followed, and hostile names are only names", () => {
  const precious = join(folder, "precious");
  mkdirSync(precious);
  writeFileSync(join(precious, "file"), "kept");
  symlinkSync(precious, join(slots, "1"));
  for (const name of ["-rf", "a\nb", "*", "…", " "]) mkdirSync(join(slots, name));
  writeFileSync(join(slots, "file"), "");
  expect(sweep(runDir).folders).toBe(8);
  expect(readdirSync(slots)).toEqual([]);
  expect(readdirSync(precious)).toEqual(["file"]);
});

test("a folder of instances that is a link is not swept, and not used", () => {
  const precious = join(folder, "precious");
  mkdirSync(join(precious, "0"), { recursive: true });
  rmSync(slots, { recursive: true });
  symlinkSync(precious, slots);
  expect(sweep(runDir)).toEqual({ processes: 0, folders: 0 });
  expect(readdirSync(precious)).toEqual(["0"]);
  expect(() => openRunDir({ path: runDir, random: systemRandom })).toThrow("is a link");
});

test("a folder that was never made is nothing to sweep", () => {
  expect(sweep(join(folder, "nowhere"))).toEqual({ processes: 0, folders: 0 });
});

test.skipIf(!asRoot)("a run folder of another user is not swept, and not used (needs root)", () => {
  chownSync(runDir, 12_345, 12_345);
  expect(sweep(runDir)).toEqual({ processes: 0, folders: 0 });
  expect(readdirSync(slots)).toEqual(["0"]);
  expect(() => openRunDir({ path: runDir, random: systemRandom })).toThrow("belongs to uid 12345");
});
