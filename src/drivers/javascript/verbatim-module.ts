import { isUtf8 } from "node:buffer";
import { extname } from "node:path";
import { init, parse } from "es-module-lexer";
import type { BundleFiles } from "../driver.ts";
import { bannerOf, inlineSourceMap } from "./bundled-bytes.ts";
import type { BundleTarget } from "./bundle-target.ts";
import { identityMappings } from "./identity-map.ts";

/** From here on bundling takes longer than everything else that a deploy does. */
const verbatimBytesMin = 512 * 1024;
/** Up to here the map is made within some 20 ms, which is time of the server's own thread. */
const verbatimBytesMax = 8 * 1024 * 1024;
/** What only a bundler can answer for, JSX among it, whose elements all have `</` or `/>`. */
const needsBundler = ["require", "__dirname", "__filename", "sourceMappingURL", "</", "/>", "<!--"];

export interface VerbatimRequest {
  readonly files: BundleFiles;
  readonly entrypoint: string;
  readonly target: BundleTarget;
  /** Export that the manifest names. */
  readonly handler: string | undefined;
}

/**
 * The entry module as it stands, behind the banner and with a source map inline, when there is
 * nothing in it to bundle: a large ECMAScript module in plain JavaScript that imports nothing and
 * exports a handler. Undefined when a bundler must look at it.
 */
export async function verbatimModule(request: VerbatimRequest): Promise<Buffer | undefined> {
  const { files, entrypoint, target } = request;
  const source = files.get(entrypoint);
  if (source === undefined) return undefined;
  if (source.length < verbatimBytesMin || source.length > verbatimBytesMax) return undefined;
  if (![".js", ".mjs"].includes(extname(entrypoint)) || files.has("tsconfig.json"))
    return undefined;
  if (!isUtf8(source)) return undefined;
  const bytes = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  if (bytes[0] === 0xef || bytes.subarray(0, 2).toString("latin1") === "#!") return undefined;
  if (needsBundler.some((text) => bytes.includes(text))) return undefined;
  const text = bytes.toString("utf8");
  if (!(await isSelfContained(text, request.handler))) return undefined;
  const banner = Buffer.from(`${bannerOf(target)}\n`);
  const mappings = identityMappings(text, bannerLines);
  const rest = Buffer.concat([Buffer.from('"names":[],"mappings":"'), mappings, Buffer.from('"}')]);
  return Buffer.concat([banner, bytes, Buffer.from("\n"), inlineSourceMap([entrypoint], rest)]);
}

/** Lines of the banner. */
const bannerLines = 2;

async function isSelfContained(text: string, handler: string | undefined): Promise<boolean> {
  await init();
  try {
    const [imports, exports] = parse(text);
    if (imports.some(({ type }) => type !== "import-meta")) return false;
    const wanted = handler === undefined ? ["default", "handler"] : [handler];
    return exports.some((one) => one.type === "direct" && wanted.includes(one.name));
  } catch {
    // What it cannot read the bundler refuses, with the place.
    return false;
  }
}
