import { build } from "esbuild";

export interface GuestBuild {
  /** Path of the guest's entry. */
  readonly entry: string;
  /** First line of the file; a comment. */
  readonly mark: string;
  /** Oldest runtime that must understand the file, as esbuild names it. */
  readonly target: string;
  readonly format: "esm" | "cjs";
  /** Modules of the runtime beside Node's, by esbuild's patterns. */
  readonly external: readonly string[];
  /** Names that stand for JavaScript expressions, by esbuild's rules. */
  readonly define?: Readonly<Record<string, string>>;
}

/** Bundles the guest half into one file that runs anywhere. */
export async function buildGuest(guest: GuestBuild): Promise<string> {
  const built = await build({
    entryPoints: [guest.entry],
    bundle: true,
    write: false,
    format: guest.format,
    target: guest.target,
    platform: "node",
    external: [...guest.external],
    minify: true,
    ...(guest.define !== undefined && { define: { ...guest.define } }),
    legalComments: "none",
    banner: { js: guest.mark },
  });
  const [file] = built.outputFiles;
  if (file === undefined) throw new Error("Assertion failed: esbuild gave no file for the guest");
  return file.text;
}
