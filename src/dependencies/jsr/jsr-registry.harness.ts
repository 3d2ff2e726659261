import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { type RegistryServer, startRegistry } from "../registry-server.harness.ts";

/** A package of jsr that a test's registry has. */
export interface TestJsrPackage {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, string>>;
  /** Contents by path, `/mod.ts`. */
  readonly files: Readonly<Record<string, string>>;
  /** The metadata itself, in place of that of the above. */
  readonly metadata?: string;
}

/** Answers a request itself; false leaves it to the registry. */
type Intercept = (path: string, response: ServerResponse) => boolean;

/** Starts a registry of jsr on loopback, as Deno asks for one by `JSR_URL`. */
export function startJsrRegistry(
  packages: readonly TestJsrPackage[],
  intercept: Intercept = () => false,
): Promise<RegistryServer> {
  const answers = new Map<string, string>();
  for (const pack of packages) {
    const [scope = "", name = ""] = pack.name.slice(1).split("/");
    const versions = packages.filter((other) => other.name === pack.name);
    answers.set(
      `/${pack.name}/meta.json`,
      JSON.stringify({
        scope,
        name,
        versions: Object.fromEntries(versions.map(({ version }) => [version, {}])),
      }),
    );
    answers.set(`/${pack.name}/${pack.version}_meta.json`, jsrMetadata(pack));
    for (const [path, content] of Object.entries(pack.files)) {
      answers.set(`/${pack.name}/${pack.version}${path}`, content);
    }
  }
  return startRegistry([], (path, response) => {
    if (intercept(path, response)) return true;
    const answer = answers.get(decodeURIComponent(path));
    if (answer === undefined) return false;
    const isJson = path.endsWith(".json");
    response.setHeader("content-type", isJson ? "application/json" : "application/typescript");
    response.end(answer);
    return true;
  });
}

/** What the registry says about one version. */
export function jsrMetadata({ files, exports, metadata }: TestJsrPackage): string {
  const described = Object.entries(files).map(([path, content]) => [
    path,
    { size: Buffer.byteLength(content), checksum: `sha256-${sha256Of(content)}` },
  ]);
  return metadata ?? JSON.stringify({ manifest: Object.fromEntries(described), exports });
}

/** The `jsr` table of a deno.lock for these packages. */
export function jsrLockTable(
  packages: readonly TestJsrPackage[],
): Readonly<Record<string, { readonly integrity: string }>> {
  return Object.fromEntries(
    packages.map((pack) => [
      `${pack.name}@${pack.version}`,
      { integrity: sha256Of(jsrMetadata(pack)) },
    ]),
  );
}

function sha256Of(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
