import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rejectionOf } from "../../testing/rejection.ts";
import { findImageTools, lookForTools } from "./image-tools.ts";
import { type RootEntry, RootTree } from "./root-tree.ts";
import { writeExt4 } from "./write-ext4.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-ext4-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { missing } = await lookForTools();
const source = join(folder, "source");
const names = ["b.py", "a.txt", "z", "odd näme,~(1).bin"];
const content = (name: string): string => name.repeat(3000);

/** Writes a file system of the tree in `from` and returns its file. */
async function write(entries: readonly RootEntry[], name: string): Promise<string> {
  const workDir = join(folder, `work-${name}`);
  mkdirSync(workDir);
  const file = join(folder, name);
  await writeExt4({ file, workDir, entries }, await findImageTools());
  return file;
}

async function treeOf(order: readonly string[]): Promise<readonly RootEntry[]> {
  rmSync(source, { recursive: true, force: true });
  mkdirSync(join(source, "sub"), { recursive: true });
  for (const name of order) writeFileSync(join(source, name), content(name));
  utimesSync(join(source, "b.py"), 1_700_000_000, 1_700_000_000);
  symlinkSync("../a.txt", join(source, "sub/link"));
  const tree = new RootTree();
  await tree.addFolder(source);
  tree.add({ kind: "content", path: "/etc/text", content: "hello\n" });
  tree.add({ kind: "link", path: "/lib", target: "usr/lib" });
  return tree.entries();
}

function debugfs(file: string, command: string): string {
  const { stdout } = Bun.spawnSync(["/usr/sbin/debugfs", "-R", command, file]);
  return stdout.toString();
}

describe.if(missing.length === 0)("writeExt4() (needs e2fsprogs, busybox-static)", () => {
  let first: string;
  beforeAll(async () => {
    first = await write(await treeOf(names), "first.ext4");
  });

  test("the same entries give the same bytes, in whatever order the files came to be", async () => {
    const second = await write(await treeOf(names.toReversed()), "second.ext4");
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  test("what is changed changes them", async () => {
    const entries = await treeOf(names);
    writeFileSync(join(source, "z"), "other");
    const other = await write(entries, "other.ext4");
    expect(readFileSync(other).equals(readFileSync(first))).toBe(false);
  });

  test("a check finds a sound file system, with the contents, as root's", () => {
    const check = Bun.spawnSync(["/usr/sbin/e2fsck", "-fn", first]);
    expect({ code: check.exitCode, said: check.stdout.toString() }).toMatchObject({ code: 0 });
    for (const name of names) {
      const dump = join(folder, "dump");
      debugfs(first, `dump "${join(source, name)}" "${dump}"`);
      expect(readFileSync(dump, "utf8")).toBe(content(name));
    }
    const stat = debugfs(first, `stat "${join(source, "a.txt")}"`);
    expect(stat).toMatch(/User: +0 +Group: +0 /);
    expect(stat).toMatch(/Mode: +0644/);
    expect(debugfs(first, "stat /lib")).toContain('Fast link dest: "usr/lib"');
    expect(debugfs(first, `stat ${join(source, "sub/link")}`)).toContain("../a.txt");
  });

  test("a Python source keeps its time, by which its compiled module is taken", () => {
    expect(debugfs(first, `stat ${join(source, "b.py")}`)).toMatch(/mtime: 0x6553f100/);
    expect(statSync(join(source, "b.py")).mtimeMs).toBe(1_700_000_000_000);
  });

  test("a file that is gone is an error, not a file system without it", async () => {
    const from = join(folder, "gone");
    const entry: RootEntry = { kind: "file", path: "/gone", from, executable: false };
    writeFileSync(from, "x");
    const writing = write([entry], "gone.ext4");
    rmSync(from);
    expect(String(await rejectionOf(writing))).toContain(from);
  });
});

test("names that the file system's tool would take for something else are refused", () => {
  const tree = new RootTree();
  for (const path of ['/a"b', "/a\nb", "/<2>", "/a/../b", "relative", "/a//b", "/"]) {
    expect(() => tree.add({ kind: "folder", path })).toThrow(/its name is odd/);
  }
});
