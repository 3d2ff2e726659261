import type { Runtime } from "../../domain/manifest.ts";
import { ownObject, ownText } from "../json-object.ts";

type PackageFiles = ReadonlyMap<string, Uint8Array>;

const scriptNames = ["preinstall", "install", "postinstall"];
/** Tools that compile an addon or fetch one from elsewhere. */
const addonTools =
  /\b(?:node-gyp(?!-build)|node-pre-gyp|prebuild-install|cmake-js|neon build|cargo)\b/;

/** What becomes of native addons: `unset` and `deno` refuse them, for a reason of their own. */
export type AddonRule = "allowed" | "unset" | "deno";

export function addonRule(runtime: Runtime, nativeAddons: boolean): AddonRule {
  if (runtime === "deno") return "deno";
  return nativeAddons ? "allowed" : "unset";
}

const remedies: Readonly<Record<Exclude<AddonRule, "allowed">, string>> = {
  unset:
    "machine code, which functions do not load unless the operator sets functions.native_addons",
  deno: "machine code, which Deno functions have no permission for (ffi), also under functions.native_addons; run the function on bun or node",
};

/**
 * Why a package is not installed under the rule: it has machine code, or needs a compiler to get
 * any. Undefined when it can be.
 */
export function addonRefusal(files: PackageFiles, rule: AddonRule): string | undefined {
  if (files.has("binding.gyp")) {
    return "it has binding.gyp, which would have to be compiled, and nothing of a package runs at deploy";
  }
  const script = Object.entries(scriptsOf(files)).find(([, text]) => addonTools.test(text));
  if (script !== undefined) {
    const [name, text] = script;
    return `its ${name} script would have to run (${text.slice(0, 100)}), and nothing of a package runs at deploy`;
  }
  const addon = [...files.keys()].find((path) => path.endsWith(".node"));
  return addon === undefined || rule === "allowed"
    ? undefined
    : `it has ${addon}, ${remedies[rule]}`;
}

/** The install scripts that a package has, which are never run. */
export function installScripts(files: PackageFiles): readonly string[] {
  return Object.keys(scriptsOf(files));
}

function scriptsOf(files: PackageFiles): Readonly<Record<string, string>> {
  const bytes = files.get("package.json");
  if (bytes === undefined) return {};
  try {
    const scripts = ownObject(JSON.parse(new TextDecoder().decode(bytes)), "scripts");
    return Object.fromEntries(
      scriptNames.flatMap((name) => {
        const text = ownText(scripts, name);
        return text === undefined ? [] : [[name, text]];
      }),
    );
  } catch {
    // Whoever imports it hears about it from the bundler.
    return {};
  }
}
