import type { Download } from "../download.ts";
import { isObject, own, ownObject, ownText } from "../json-object.ts";
import { unavailableDependencies } from "../dependency-error.ts";

/** One file that an index offers. */
export interface IndexFile {
  readonly file: string;
  readonly url: string;
  /** SHA-256 in hex. */
  readonly sha256: string | undefined;
}

const pageBytesMax = 16 * 1_048_576;
const accept =
  "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1";

/** What an index of the simple kind has of a package, whether it answers in JSON or HTML. */
export async function askSimpleIndex(
  { download, index }: { readonly download: Download; readonly index: string },
  name: string,
  signal: AbortSignal,
): Promise<readonly IndexFile[]> {
  const url = `${index.replace(/\/+$/, "")}/${name}/`;
  const what = `the index's page of ${name}`;
  const bytes = await download({ url, what, bytesMax: pageBytesMax, accept }, signal);
  const text = new TextDecoder().decode(bytes);
  const files = /^\s*\{/.test(text) ? readJsonPage(text, what) : readHtmlPage(text);
  return files.flatMap(({ href, ...file }) =>
    URL.canParse(href, url) ? [{ ...file, url: new URL(href, url).href }] : [],
  );
}

type Listed = Omit<IndexFile, "url"> & { readonly href: string };

function readJsonPage(text: string, what: string): Listed[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unavailableDependencies(`${what} is no JSON`, cause);
  }
  const files = own(json, "files");
  if (!Array.isArray(files)) throw unavailableDependencies(`${what} lists no files`);
  return files.filter(isObject).map((entry) => ({
    file: ownText(entry, "filename") ?? "",
    href: ownText(entry, "url") ?? "",
    sha256: sha256Of(ownText(ownObject(entry, "hashes"), "sha256")),
  }));
}

/** Links of a page that was written by a program: `<a href="…#sha256=…">name.whl</a>`. */
function readHtmlPage(text: string): Listed[] {
  return [...text.matchAll(/<a\s([^<>]*)>\s*([^<>\s]+)\s*<\/a>/gi)].map(
    ([, attributes = "", label = ""]) => {
      const [, double, single] = /\bhref\s*=\s*(?:"([^"]*)"|'([^']*)')/i.exec(attributes) ?? [];
      const href = unescapeHtml(double ?? single ?? "");
      return {
        file: unescapeHtml(label),
        href,
        sha256: sha256Of(/#sha256=([0-9a-fA-F]{64})$/.exec(href)?.[1]),
      };
    },
  );
}

function sha256Of(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-fA-F]{64}$/.test(text) ? text.toLowerCase() : undefined;
}

function unescapeHtml(text: string): string {
  return text
    .replaceAll("&#43;", "+")
    .replaceAll("&quot;", '"')
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
