import { posix } from "node:path";
import { tooManyDependencies } from "../dependency-error.ts";

const codeExtensions: ReadonlySet<string> = new Set([".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"]);
const relativeText = /(["'`])(\.\.?\/[^"'`\n\r]{1,500})\1/g;

/** Such texts in one file, also the same ones; a bundle of a large library has hundreds. */
const textsMax = 20_000;

/**
 * Which of a package's files a file of it may import: every text in its code that looks like a relative
 * path to one. So it gives too many rather than too few, and needs no parser.
 */
export function relativeImports(
  path: string,
  content: Uint8Array,
  isFile: (path: string) => boolean,
): readonly string[] {
  if (!codeExtensions.has(posix.extname(path))) return [];
  const text = Buffer.from(content.buffer, content.byteOffset, content.length).toString("utf8");
  const found = new Set<string>();
  let texts = 0;
  for (const [, , relative = ""] of text.matchAll(relativeText)) {
    texts += 1;
    if (texts > textsMax) {
      throw tooManyDependencies(`${path} has more than ${textsMax} texts that may be imports`);
    }
    const target = posix.join(posix.dirname(path), relative);
    if (isFile(target)) found.add(target);
  }
  return [...found];
}
