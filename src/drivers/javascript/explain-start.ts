import { SourceMap, type SourceMapPayload } from "node:module";
import { type BuildFailure, transform } from "esbuild";
import { type Artifact, type Instance, StartError } from "../driver.ts";

const mapMark = "//# sourceMappingURL=data:application/json;base64,";
const logCharsMax = 16 * 1024;
const placesMax = 5;

/** A bundled module, read for what it tells about a start that failed. */
interface Module {
  readonly entrypoint: string;
  /** Text without its source map. */
  readonly text: string;
  readonly sources: readonly string[];
  /** The author's `file:line:column` of a place in the text. */
  placeAt(line: number, column: number): string | undefined;
}

/**
 * The instance that `start` gives. When it gives none, the log of its error also says what the
 * module's text tells: which file was being imported, and where its top-level awaits, the import that
 * failed or the exports are. The runtimes say so for some failures only.
 */
export async function explainStart(
  artifact: Artifact,
  start: Promise<Instance>,
): Promise<Instance> {
  try {
    return await start;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    const explanation = await explanationOf(error, readModule(artifact));
    const log = [error.log, ...explanation].filter((line) => line !== "").join("\n");
    throw new StartError(error.exit, log.slice(-logCharsMax), error.message, { cause: error });
  }
}

async function explanationOf(
  { exit, log }: StartError,
  module: Module,
): Promise<readonly string[]> {
  const { entrypoint, sources } = module;
  if (exit.reason === "start_timeout") {
    const awaits = await refusals(module, { "top-level-await": false });
    return awaits.map(({ place }) => `${place}: a top-level await`);
  }
  if (sources.some((source) => log.includes(`${source}:`))) return [];
  const places = exit.reason === "load_failed" ? failedLoad(exit.message, module) : [];
  if (places.length > 0) return places;
  // A module that was not bundled has not been parsed before.
  const errors = exit.reason === "load_failed" ? await refusals(module, {}) : [];
  if (errors.length > 0) return errors.map(({ place, text }) => `${place}: ${text}`);
  return [`This happened while ${entrypoint} was being imported`];
}

/** What the module exports when none of it is a handler, else the import that the message names. */
function failedLoad(message: string, module: Module): readonly string[] {
  if (message.startsWith("No handler found")) return exportPlaces(module);
  const quoted = [...message.matchAll(/["']([^"']+)["']/g)].map((match) => match[1] ?? "");
  const lines = module.text.split("\n");
  const at = lines.findIndex(
    (line) => /\bimport\b/.test(line) && quoted.some((name) => line.includes(`"${name}"`)),
  );
  const place = at === -1 ? undefined : module.placeAt(at + 1, 0);
  return place === undefined ? [] : [`${place}: ${lines[at]?.trim()}`];
}

/** Where the module's exports are declared; esbuild lists them at the end of what it bundles. */
function exportPlaces(module: Module): readonly string[] {
  const list = /\nexport \{([^}]*)\};\s*$/.exec(module.text)?.[1] ?? "";
  const lines = module.text.split("\n");
  return list
    .split(",")
    .slice(0, placesMax)
    .flatMap((item) => {
      const [local = "", name = local] = item.trim().split(" as ");
      const declares = new RegExp(
        `^(?:var|let|const|class|(?:async )?function\\*?) ${RegExp.escape(local)}\\b`,
      );
      const at = local === "" ? -1 : lines.findIndex((line) => declares.test(line));
      const place = at === -1 ? undefined : module.placeAt(at + 1, 0);
      return place === undefined ? [] : [`${place}: the export ${name}`];
    });
}

/** What esbuild refuses of a module's text, for a target that supports no more than given, and where. */
async function refusals(
  module: Module,
  supported: Record<string, boolean>,
): Promise<readonly { readonly place: string; readonly text: string }[]> {
  try {
    await transform(module.text, { loader: "js", format: "esm", logLevel: "silent", supported });
    return [];
  } catch (error) {
    const { errors } = error as BuildFailure;
    return errors.slice(0, placesMax).flatMap(({ location, text }) => {
      const place = location === null ? undefined : module.placeAt(location.line, location.column);
      return place === undefined ? [] : [{ place, text }];
    });
  }
}

function readModule({ code, entrypoint }: Artifact): Module {
  const whole = new TextDecoder().decode(code);
  const at = whole.lastIndexOf(mapMark);
  if (at === -1)
    return { entrypoint, text: whole, sources: [entrypoint], placeAt: () => undefined };
  const json = Buffer.from(whole.slice(at + mapMark.length), "base64").toString("utf8");
  const payload: SourceMapPayload = JSON.parse(json);
  const map = new SourceMap(payload);
  return {
    entrypoint,
    text: whole.slice(0, at),
    sources: payload.sources,
    placeAt(line, column) {
      const entry = map.findEntry(line - 1, column);
      if (!("originalSource" in entry)) return undefined;
      return `${entry.originalSource}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    },
  };
}
