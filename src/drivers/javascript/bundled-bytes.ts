import type { BundleTarget } from "./bundle-target.ts";

/** The first lines of every module, without the last line's end. */
export function bannerOf(target: BundleTarget): string {
  return `${target.mark}\n//`;
}

/** The comment that ends a module; runtimes read the map in it. */
const mapMark = Buffer.from("//# sourceMappingURL=data:application/json;base64,");

/**
 * A source map as the last line of a module, so that stack traces name the author's files and lines.
 * `mappingsOn` is the map's JSON from the key `mappings` to its end.
 */
export function inlineSourceMap(sources: readonly string[], mappingsOn: Buffer): Buffer {
  // Bun refuses a map without the sources' text, but needs it for no stack trace.
  const sourcesContent = sources.map(() => "");
  const start = JSON.stringify({ version: 3, sources, sourcesContent });
  const map = Buffer.concat([Buffer.from(`${start.slice(0, -1)},`), mappingsOn]);
  return Buffer.concat([mapMark, Buffer.from(`${map.toString("base64")}\n`, "latin1")]);
}
