import { bundleClaim } from "../src/client/bundle-claim.ts";

/** One version of a function: its answer names it and shows the env and secrets that it was given. */
export interface VersionedSource {
  readonly label: string;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The digest that the server keeps; tells which version a deployment is. */
  readonly sha256: string;
}

const keys = ["PLAIN_A", "PLAIN_B", "SECRET_A", "SECRET_B"] as const;
export const plainKeys = ["PLAIN_A", "PLAIN_B"] as const;
export const secretKeys = ["SECRET_A", "SECRET_B"] as const;

/** What every version answers. */
export interface VersionAnswer {
  readonly label: string;
  readonly env: Readonly<Record<string, string>>;
}

export async function versionedSource(
  functionName: string,
  label: string,
  options: { readonly paddingBytes?: number } = {},
): Promise<VersionedSource> {
  const source = `
    const boot = crypto.randomUUID();
    export default { fetch() {
      const env = Object.fromEntries(${JSON.stringify(keys)}.flatMap((key) =>
        process.env[key] === undefined ? [] : [[key, process.env[key]]]));
      return Response.json({ label: ${JSON.stringify(label)}, env, boot });
    } };`;
  const manifest = {
    name: functionName,
    runtime: "bun",
    access: "public",
    concurrency: { max_instances: 2, queue_ms: 20_000, idle_ttl_secs: 5 },
  };
  const files = new Map<string, Uint8Array>([
    ["index.ts", Buffer.from(source)],
    ["reactor.json", Buffer.from(JSON.stringify(manifest))],
  ]);
  const { paddingBytes = 0 } = options;
  if (paddingBytes > 0) files.set("padding.bin", incompressible(label, paddingBytes));
  const sha256 = await bundleClaim(files);
  if (sha256 === undefined) throw new Error("This Bun has no Web Crypto");
  return { label, files, sha256 };
}

/** Bytes that no archive makes smaller, the same for the same label. */
function incompressible(label: string, bytes: number): Uint8Array {
  const parts: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n++) {
    parts.push(new Bun.CryptoHasher("sha256").update(`${label}/${n}`).digest());
  }
  return Buffer.concat(parts).subarray(0, bytes);
}
