import { afterAll, describe, expect, test } from "bun:test";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createSeededRandom, systemRandom } from "../../base/random.ts";
import { loadDataKey } from "./data-key.ts";

/** What a call that must fail says. */
function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "it did not fail",
    (error: unknown) => String(error),
  );
}

const root = await mkdtemp(path.join(tmpdir(), "reactor-key-"));
afterAll(() => rm(root, { recursive: true, force: true }));
let files = 0;
const freshFile = (): string => path.join(root, String(files++), "data.key");
const load = (file: string, dataKey?: string) =>
  loadDataKey({ dataKey, file, random: systemRandom });

describe("loadDataKey()", () => {
  test("makes a file for its owner only, and reads the same key from it again", async () => {
    const file = freshFile();
    const made = await load(file);
    expect(made.bytes).toHaveLength(32);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(path.dirname(file))).toEqual(["data.key"]);
    expect(await load(file)).toEqual(made);
    expect(Buffer.from((await readFile(file, "utf8")).trim(), "base64")).toEqual(
      Buffer.from(made.bytes),
    );
  });

  test("gives servers that start at the same moment one key", async () => {
    const file = freshFile();
    const keys = await Promise.all(Array.from({ length: 8 }, () => load(file)));
    expect(new Set(keys.map((key) => key.id)).size).toBe(1);
    expect(await readdir(path.dirname(file))).toEqual(["data.key"]);
  });

  test("names a key by an id that stays the same and tells nothing about it", async () => {
    const text = Buffer.from(createSeededRandom(1).bytes(32)).toString("base64");
    const key = await load(freshFile(), text);
    expect(key.origin).toBe("setting");
    expect(key.id).toMatch(/^[0-9a-f]{16}$/);
    expect((await load(freshFile(), text)).id).toBe(key.id);
    expect(text).not.toContain(key.id);
  });

  test("writes no file when the setting holds the key", async () => {
    const file = freshFile();
    await load(file, Buffer.alloc(32, 1).toString("base64"));
    expect(await failureOf(stat(file))).toContain("ENOENT");
  });

  test.each([0o640, 0o604, 0o660, 0o644])(
    "refuses a file with mode %o and names the remedy",
    async (mode) => {
      const file = freshFile();
      await load(file);
      await chmod(file, mode);
      expect(await failureOf(load(file))).toContain(`chmod 600 ${file}`);
    },
  );

  test("refuses a file without a key, and never replaces it", async () => {
    const file = freshFile();
    await load(file);
    await writeFile(file, "too short");
    expect(await failureOf(load(file))).toContain("must be 32 bytes in base64");
    expect(await readFile(file, "utf8")).toBe("too short");
  });

  test("refuses a link and a folder in the file's place", async () => {
    const file = freshFile();
    await load(file);
    const link = path.join(path.dirname(file), "link");
    await symlink(file, link);
    expect(await failureOf(load(link))).toContain("it is a symbolic link");
    expect(await failureOf(load(path.dirname(file)))).toContain("not a regular file");
  });
});
