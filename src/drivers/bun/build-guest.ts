import { join } from "node:path";
import { build } from "esbuild";

/** Bundles the guest half into one file that runs anywhere. */
export async function buildGuest(): Promise<string> {
  const built = await build({
    entryPoints: [join(import.meta.dirname, "guest.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    platform: "node",
    external: ["bun", "bun:*"],
    minify: true,
    legalComments: "none",
    // Bun runs files with this mark as they are instead of transpiling them once more.
    banner: { js: "// @bun" },
  });
  const [file] = built.outputFiles;
  if (file === undefined) throw new Error("Assertion failed: esbuild gave no file for the guest");
  return file.text;
}
