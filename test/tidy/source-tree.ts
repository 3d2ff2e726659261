import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

export interface SourceFile {
  /** Path from the repository's root. */
  readonly path: string;
  readonly text: string;
  /** Text without comments, so that rules do not fire on prose. */
  readonly code: string;
  /** Repository paths of relative imports and re-exports, type imports included. */
  readonly imports: readonly string[];
}

function walk(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === "node_modules") return [];
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

const importPattern = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** Strips comments without touching strings; good enough for rules about code. */
function withoutComments(text: string): string {
  return text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (match: string, literal: string | undefined) => literal ?? match.replace(/[^\n]/g, " "),
  );
}

/** Every TypeScript file below the given folders of the repository. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => walk(join(root, folder)))
    .filter((path) => path.endsWith(".ts"))
    .map((absolute) => {
      const text = readFileSync(absolute, "utf8");
      const code = withoutComments(text);
      const imports = [...code.matchAll(importPattern)].map(([, target]) =>
        relative(root, resolve(dirname(absolute), target as string)),
      );
      return { path: relative(root, absolute), text, code, imports };
    });
}

/** Tests, contract suites and what only they use: not part of the product. */
export function isTest(path: string): boolean {
  return (
    /\.(test|suite|harness)\.ts$/.test(path) ||
    path.startsWith("test/") ||
    path.includes("/suite/") ||
    path.includes("/testing/")
  );
}
