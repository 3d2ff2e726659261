import { own, ownObject } from "../json-object.ts";

const scriptNames = ["preinstall", "install", "postinstall"];

/** What a package has that only a compiler or the processor could run; undefined when nothing. */
export function nativeCode(files: ReadonlyMap<string, Uint8Array>): string | undefined {
  if (files.has("binding.gyp")) return "binding.gyp";
  for (const path of files.keys()) if (path.endsWith(".node")) return path;
  return undefined;
}

/** The install scripts that a package has, which are never run. */
export function installScripts(files: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const bytes = files.get("package.json");
  if (bytes === undefined) return [];
  try {
    const scripts = ownObject(JSON.parse(new TextDecoder().decode(bytes)), "scripts");
    return scriptNames.filter((name) => own(scripts, name) !== undefined);
  } catch {
    // Whoever imports it hears about it from the bundler.
    return [];
  }
}
