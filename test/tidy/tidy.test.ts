import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isTest, root, type SourceFile, sourceFiles } from "./source-tree.ts";

const files = sourceFiles("src", "sdk");
const product = files.filter((file) => !isTest(file.path));

/** The tier of a folder; imports may only point to a lower number, or stay inside the folder. */
const tiers: readonly (readonly [folder: string, tier: number])[] = [
  ["src/base/", 0],
  ["sdk/", 0],
  ["src/domain/", 1],
  ["src/wire/", 1],
  ["src/http/", 1],
  ["src/archive/", 1],
  ["src/dependencies/", 2],
  ["src/supervision/", 2],
  ["src/drivers/", 2],
  ["src/store/", 2],
  ["src/blobs/", 2],
  ["src/database/", 2],
  ["src/journal/", 2],
  ["src/serving/", 3],
  ["src/control/", 4],
  ["src/gateway/", 4],
  ["src/admin/", 5],
  ["src/server/", 9],
];

/** Folders outside the ladder and what they may import beside themselves. */
const confined: Readonly<Record<string, readonly string[]>> = {
  "src/client/": ["src/base/", "src/domain/"],
  "src/cli/": ["src/base/", "src/client/", "src/domain/"],
  "src/http/": ["src/base/", "src/domain/"],
  "src/archive/": ["src/base/", "src/domain/"],
  // The SDK is what the guest gives to functions; it imports nothing.
  "src/drivers/guest/": ["src/base/", "src/wire/", "sdk/"],
};

/** Contracts of a lower tier that a sibling of equal tier may name, with the reason. */
const crossings: Readonly<Record<string, string>> = {};

function folderOf(path: string): string | undefined {
  const named = Object.keys(confined).find((folder) => path.startsWith(folder));
  return named ?? tiers.find(([folder]) => path.startsWith(folder))?.[0];
}

function tierOf(path: string): number | undefined {
  return tiers.find(([folder]) => path.startsWith(folder))?.[1];
}

function mayImport(from: string, to: string): boolean {
  const fromFolder = folderOf(from);
  const toFolder = folderOf(to);
  if (fromFolder === undefined || toFolder === undefined) return false;
  if (fromFolder === toFolder || `${from} -> ${to}` in crossings) return true;
  const allowed = confined[fromFolder];
  if (allowed !== undefined) return allowed.includes(toFolder);
  if (from.startsWith("src/server/")) return true;
  // Drivers build on the guest's message types; both halves live in src/drivers.
  if (from.startsWith("src/drivers/") && to.startsWith("src/drivers/")) return true;
  if (to.startsWith("src/client/") || to.startsWith("src/cli/")) return false;
  const fromTier = tierOf(from);
  const toTier = tierOf(to);
  return fromTier !== undefined && toTier !== undefined && toTier < fromTier;
}

function offences(list: readonly SourceFile[], pattern: RegExp): string[] {
  return list.flatMap((file) =>
    file.code
      .split("\n")
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [],
      ),
  );
}

test("imports point down the tiers", () => {
  const wrong = product.flatMap((file) =>
    file.imports.filter((to) => !mayImport(file.path, to)).map((to) => `${file.path} -> ${to}`),
  );
  expect(wrong).toEqual([]);
});

test("no import cycles, type imports included", () => {
  const graph = new Map(files.map((file) => [file.path, file.imports]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
      return;
    }
    if (done.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("only server imports concrete drivers, stores and blob stores", () => {
  const concrete =
    /^src\/(drivers\/(bun|node|deno|python|microvm|simulated)|store\/(sqlite|failing)|blobs\/directory)\//;
  const wrong = product
    .filter((file) => !file.path.startsWith("src/server/"))
    .flatMap((file) =>
      file.imports
        .filter((to) => concrete.test(to) && !concrete.test(file.path))
        .map((to) => `${file.path} -> ${to}`),
    );
  expect(wrong).toEqual([]);
});

test("no any, double casts or suppressed type errors", () => {
  expect(offences(files, /:\s*any\b|<any>|\bas any\b|as unknown as/)).toEqual([]);
  const suppressed = files.filter((file) => /@ts-(ignore|expect-error|nocheck)/.test(file.text));
  expect(suppressed.map((file) => file.path)).toEqual([]);
});

test("only the config readers read the environment", () => {
  // The guest replaces the environment of its own process, which is the function's, not the server's.
  const readers = /^src\/(server\/config\/|drivers\/(guest|[a-z]+\/guest))/;
  const others = product.filter((file) => !readers.test(file.path));
  expect(offences(others, /process\.env\b/)).toEqual([]);
});

test("only base reads time, randomness and timers", () => {
  const pattern =
    /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(|\bMath\.random\(|\bset(?:Timeout|Interval|Immediate)\(|\brandomBytes\(|\brandomUUID\(/;
  const others = product.filter((file) => !file.path.startsWith("src/base/"));
  expect(offences(others, pattern)).toEqual([]);
});

test("only drivers/process starts processes", () => {
  const others = product.filter((file) => !file.path.startsWith("src/drivers/process/"));
  expect(offences(others, /node:child_process|\bBun\.spawn/)).toEqual([]);
});

test("no swallowed errors and no unfinished marks", () => {
  expect(offences(files, /catch\s*(\([^)]*\))?\s*\{\s*\}/)).toEqual([]);
  const marks = files.filter((file) => /\b(TODO|FIXME|XXX|HACK)\b/.test(file.text));
  expect(marks.map((file) => file.path)).toEqual([]);
  expect(offences(files, /\.only\(/)).toEqual([]);
});

test("no test forgets to await a rejection", () => {
  const tests = sourceFiles("src", "test").filter((file) => isTest(file.path));
  expect(offences(tests, /^\s*expect\(.*\)\.(rejects|resolves)\b/)).toEqual([]);
});

test("no utils, helpers, types files or barrels; kebab-case names", () => {
  const wrong = files.filter((file) => {
    const name = file.path.split("/").pop() as string;
    return (
      /^(utils?|helpers?|types)\.ts$/.test(name) ||
      (name === "index.ts" && file.path !== "sdk/index.ts") ||
      !/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|suite|harness))?\.ts$/.test(name)
    );
  });
  expect(wrong.map((file) => file.path)).toEqual([]);
});

/** Files over 400 lines and functions over 70, each with its reason. */
const lengthExceptions: Readonly<Record<string, string>> = {
  "src/client/api.ts": "generated from the OpenAPI document",
};

test("no file over 400 lines and no function over 70 without a reason", () => {
  const long = files
    .filter((file) => file.text.split("\n").length > 401)
    .map((file) => file.path)
    .filter((path) => !(path in lengthExceptions));
  expect(long).toEqual([]);
  const run = Bun.spawnSync(
    [
      join(root, "node_modules/.bin/oxlint"),
      "-c",
      join(import.meta.dirname, "oxlint-length.json"),
      "--format=json",
      "src",
      "sdk",
    ],
    { cwd: root },
  );
  const report: { diagnostics: { filename: string; message: string }[] } = JSON.parse(
    run.stdout.toString(),
  );
  const wrong = report.diagnostics
    .filter((entry) => !isTest(entry.filename) && !(entry.filename in lengthExceptions))
    .map((entry) => `${entry.filename}: ${entry.message}`);
  expect(wrong).toEqual([]);
});

test("every exception in the tables is still needed", () => {
  const paths = new Set(files.map((file) => file.path));
  expect(Object.keys(lengthExceptions).filter((path) => !paths.has(path))).toEqual([]);
});

test("package.json pins every dependency exactly and the lock names no registry", () => {
  const manifest: Record<string, Record<string, string> | undefined> = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  const versions = { ...manifest["dependencies"], ...manifest["devDependencies"] };
  const loose = Object.entries(versions).filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version));
  expect(loose).toEqual([]);
  expect(readFileSync(join(root, "package-lock.json"), "utf8")).not.toMatch(/"resolved": "https?:/);
});

const tracked = Bun.spawnSync(["git", "ls-files"], { cwd: root }).stdout.toString().split("\n");
const noGit = tracked.length < 100 ? " (this is no clone)" : "";

test.skipIf(noGit !== "")(`links of the documents lead to what a clone has${noGit}`, () => {
  const files = new Set(tracked);
  const documents = tracked.filter((path) => path.endsWith(".md"));
  const broken = documents.flatMap((path) =>
    linksOf(readFileSync(join(root, path), "utf8")).flatMap((link) => {
      const [target = "", heading] = link.split("#");
      const at = target === "" ? path : relative(root, join(root, dirname(path), target));
      const isFolder = tracked.some((file) => file.startsWith(`${at.replace(/\/$/, "")}/`));
      if (!files.has(at)) return isFolder ? [] : [`${path}: ${link}`];
      if (heading === undefined || !at.endsWith(".md")) return [];
      return headingsOf(readFileSync(join(root, at), "utf8")).has(heading)
        ? []
        : [`${path}: ${link}`];
    }),
  );
  expect(documents.length).toBeGreaterThan(50);
  expect(broken).toEqual([]);
});

/** Targets of links inside of the repository, code left out. */
function linksOf(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```|`[^`\n]*`/g, "");
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string);
  return targets.filter((target) => !/^[a-z]+:/.test(target));
}

/** Names by which links reach the headings of a document. */
function headingsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
