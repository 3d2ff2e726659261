import { expect, test } from "bun:test";
import { sha256Hex } from "../base/digest.ts";
import { bundleDigest, sortedBundlePaths } from "./bundle-digest.ts";
import { createBundlePaths, parseBundlePath } from "./bundle-path.ts";
import { resolveEntrypoint } from "./entrypoint.ts";
import type { Runtime } from "./manifest.ts";
import { defaultManifestCaps } from "./manifest-keys.ts";
import { parseManifest } from "./parse-manifest.ts";

const files = (...paths: string[]) => new Map(paths.map((path) => [path, Buffer.from(path)]));

function entrypoint(paths: readonly string[], manifest: object = {}, runtime: Runtime = "bun") {
  const defaults = { name: "f", runtime, isolation: undefined, caps: defaultManifestCaps };
  return resolveEntrypoint(parseManifest(manifest, defaults), files(...paths)).entrypoint;
}

test("the digest is the sha256 of sorted path, NUL, content digest lines", () => {
  const bundle = files("b.ts", "a.ts");
  const line = (path: string) => `${path}\0${sha256Hex(path)}\n`;
  expect(bundleDigest(bundle)).toBe(sha256Hex(line("a.ts") + line("b.ts")));
});

test("the digest counts paths and contents, not the order or the manifest in the root", () => {
  const digest = bundleDigest(files("a.ts", "b.ts"));
  expect(bundleDigest(files("b.ts", "a.ts", "reactor.json"))).toBe(digest);
  expect(bundleDigest(files("a.ts", "b.ts", "lib/reactor.json"))).not.toBe(digest);
  expect(bundleDigest(files("a.ts", "c.ts"))).not.toBe(digest);
  const changed = files("a.ts", "b.ts").set("b.ts", Buffer.from("other"));
  expect(bundleDigest(changed)).not.toBe(digest);
});

test("paths sort by their UTF-8 bytes", () => {
  // U+FFFD sorts after U+10000 by UTF-16 units, before it by bytes.
  const paths = ["\u{10000}.ts", "\ufffc.ts", "a/b", "a-b", "a"];
  expect(sortedBundlePaths(paths)).toEqual(["a", "a-b", "a/b", "\ufffc.ts", "\u{10000}.ts"]);
});

test("a path is returned in its shortest form", () => {
  expect(parseBundlePath("./a/b.ts")).toBe("a/b.ts");
  expect(parseBundlePath("a/b/")).toBe("a/b");
  expect(parseBundlePath("./")).toBe("");
  expect(parseBundlePath("...hidden/.env")).toBe("...hidden/.env");
});

test("paths that are no plain relative paths are refused", () => {
  const wrong = [
    "",
    "/",
    "/a",
    "..",
    "../a",
    "a/..",
    "a/./b",
    "a//b",
    "\\a",
    "c:\\a",
    "a\0",
    "a\x1b[m",
    "\ud800",
    "a\ufffd",
  ];
  for (const path of wrong) expect(() => parseBundlePath(path)).toThrow("Cannot take the path");
});

test("512 bytes and 32 levels are the most", () => {
  expect(parseBundlePath("é".repeat(256))).toHaveLength(256);
  expect(() => parseBundlePath(`${"é".repeat(256)}a`)).toThrow("512 bytes");
  expect(parseBundlePath(Array(32).fill("a").join("/"))).toBeString();
  expect(() => parseBundlePath(Array(33).fill("a").join("/"))).toThrow("32 levels");
});

test("files and folders that some file system would mix up are refused", () => {
  const collide = (...paths: string[]) => {
    const known = createBundlePaths();
    for (const path of paths) known.addFile(path);
  };
  expect(() => collide("a/b.ts", "a/c.ts", "ab.ts")).not.toThrow();
  expect(() => collide("a.ts", "A.ts")).toThrow("only in case or Unicode form");
  expect(() => collide("straße", "STRASSE")).toThrow("only in case");
  expect(() => collide("\u00e9", "e\u0301")).toThrow("Unicode form");
  expect(() => collide("a/b", "a")).toThrow("both a file and a folder");
  expect(() => collide("a", "a/b")).toThrow("both a file and a folder");
  expect(() => collide("a", "a")).toThrow("twice");
});

test("the entry point is the first of code/index, index, handler, main", () => {
  expect(entrypoint(["main.js", "handler.ts", "index.js", "code/index.mjs"])).toBe(
    "code/index.mjs",
  );
  expect(entrypoint(["main.js", "handler.ts"])).toBe("handler.ts");
  expect(entrypoint(["index.js", "index.ts"])).toBe("index.ts");
  expect(entrypoint(["index.ts", "main.py"], {}, "python")).toBe("main.py");
  expect(entrypoint(["lib/x.ts"], { entrypoint: "lib/x.ts" })).toBe("lib/x.ts");
});

test("a missing entry point says what would do, and the nearest file", () => {
  expect(() => entrypoint(["app.ts"])).toThrow("code/index.*");
  expect(() => entrypoint(["index.py"])).toThrow("none of");
  expect(() => entrypoint(["code/index.ts"], { entrypoint: "code/idex.ts" })).toThrow(
    '"code/index.ts"',
  );
  expect(() => entrypoint(["a.py"], { entrypoint: "a.py" })).toThrow("must end in .ts");
});
