import { bundleDigest } from "../domain/bundle-digest.ts";
import { resolveEntrypoint } from "../domain/entrypoint.ts";
import { ReactorError } from "../domain/errors.ts";
import type { FunctionRecord } from "../domain/function.ts";
import type { Isolation, Manifest, Runtime } from "../domain/manifest.ts";
import { findManifestFile, readManifestJson } from "../domain/manifest-file.ts";
import { type ManifestDefaults, parseManifest } from "../domain/parse-manifest.ts";
import { readUpload } from "./archive/read-upload.ts";
import type { Upload } from "./control-plane.ts";
import type { ControlSettings } from "./control-settings.ts";

/** An upload that passed every check that needs no store. */
export interface PreparedBundle {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Manifest;
  readonly digest: string;
}

export interface PrepareBundleRequest {
  readonly upload: Upload;
  /** The client's claim of the digest. */
  readonly claimedSha256: string | undefined;
  readonly name: string;
  /** Undefined when the deploy is to create the function: then the manifest decides. */
  readonly existing: FunctionRecord | undefined;
  /** What to take when there is no function and the manifest is silent. */
  readonly asked?: {
    readonly runtime: Runtime | undefined;
    readonly isolation: Isolation | undefined;
  };
  /** The bundle is a folder of a project's `functions`: its function is routed by its name. */
  readonly ofProject?: boolean;
  readonly settings: ControlSettings;
}

/**
 * Unpacks an upload, parses its manifest against the function, finds the entry point and checks the
 * digest. ReactorError `bundle_invalid`, `bundle_too_large`, `manifest_invalid` or
 * `unsupported_runtime`.
 */
export async function prepareBundle(request: PrepareBundleRequest): Promise<PreparedBundle> {
  const { existing, asked, settings } = request;
  const files = await readUpload(request.upload, settings.bundle);
  const file = findManifestFile(files.keys());
  const json =
    file === undefined ? {} : readManifestJson(file, files.get(file) ?? new Uint8Array());
  const defaults: ManifestDefaults = {
    name: request.name,
    // A flux.json that is silent means deno, as its own documents say.
    runtime: asked?.runtime ?? (file === "flux.json" ? "deno" : (existing?.runtime ?? "bun")),
    isolation: existing?.isolation ?? asked?.isolation,
    routeByName: file === "flux.json" || request.ofProject === true,
    caps: settings.manifest,
  };
  const parsed = parseManifest(json, defaults);
  // Before the entry point, which another runtime looks for under other names.
  if (existing !== undefined) requireSameKind(parsed, existing);
  const manifest = resolveEntrypoint(parsed, files);
  const digest = bundleDigest(files);
  requireDigest(request.claimedSha256, digest, "the client");
  requireDigest(manifest.bundleSha256, digest, "the manifest");
  return { files, manifest, digest };
}

function requireSameKind(manifest: Manifest, existing: FunctionRecord): void {
  for (const key of ["runtime", "isolation"] as const) {
    if (manifest[key] === existing[key]) continue;
    throw new ReactorError(
      "manifest_invalid",
      `Cannot deploy to function "${existing.name}": the manifest's ${key} is "${manifest[key]}", the function was created with "${existing[key]}"; correct the manifest or create another function with --${key} ${manifest[key]}`,
      { details: { pointer: `/${key}`, function: existing.name } },
    );
  }
}

function requireDigest(claimed: string | undefined, digest: string, who: string): void {
  if (claimed === undefined || claimed === digest) return;
  throw new ReactorError(
    "bundle_invalid",
    `Cannot accept the bundle: its files have the digest ${digest}, but ${who} says ${JSON.stringify(claimed.slice(0, 80))}; upload it again`,
    { details: { bundle_sha256: digest, claimed: claimed.slice(0, 80) } },
  );
}
