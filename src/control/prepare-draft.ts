import { ReactorError } from "../domain/errors.ts";
import { envKeyPattern, functionNamePattern } from "../domain/names.ts";
import type { Manifest } from "../domain/manifest.ts";
import { findManifestFile, readManifestJson } from "../domain/manifest-file.ts";
import { declaredEnv } from "../domain/declared-env.ts";
import type { Draft } from "../serving/draft-runner.ts";
import type { Commands } from "./control-plane.ts";
import type { ControlSettings } from "./control-settings.ts";
import { prepareBundle } from "./prepare-bundle.ts";

type DraftInput = Commands["playground.run"]["input"];

/** A draft that passed every check, but for its ids. */
export interface PreparedDraft extends Pick<Draft, "manifest" | "files" | "env" | "secrets"> {
  readonly digest: string;
}

const bodyOutBytesMax = 6 * 1_048_576;

/**
 * Checks a draft as a deploy would, against a function that does not exist. ReactorError
 * `bundle_invalid`, `bundle_too_large`, `manifest_invalid`, `unsupported_runtime` or
 * `env_key_invalid`.
 */
export async function prepareDraft(
  input: DraftInput,
  settings: ControlSettings,
): Promise<PreparedDraft> {
  const { files: uploaded, runtime, isolation } = input;
  const { files, manifest, digest } = await prepareBundle({
    upload: { kind: "files", files: uploaded },
    claimedSha256: undefined,
    name: nameOf(uploaded),
    existing: undefined,
    asked: { runtime, isolation },
    settings,
  });
  requireAsked(input, manifest);
  for (const values of [input.env, input.secrets]) checkValues(values, settings);
  requireDeclared(input, manifest);
  return {
    files,
    digest,
    manifest: bounded(manifest, settings.playgroundTimeoutMs),
    env: declaredEnv(input.env, manifest.envKeys),
    secrets: declaredEnv(input.secrets, manifest.secretKeys),
  };
}

/** The manifest's own name where it has a good one, since a manifest must name its function. */
function nameOf(files: ReadonlyMap<string, Uint8Array>): string {
  const file = findManifestFile(files.keys());
  const json = file && readManifestJson(file, files.get(file) ?? new Uint8Array());
  const name: unknown = typeof json === "object" && json !== null ? Reflect.get(json, "name") : "";
  return typeof name === "string" && functionNamePattern.test(name) ? name : "playground";
}

function requireAsked(input: DraftInput, manifest: Manifest): void {
  for (const key of ["runtime", "isolation"] as const) {
    const wanted = input[key];
    if (wanted === undefined || wanted === manifest[key]) continue;
    throw new ReactorError(
      "manifest_invalid",
      `Cannot run the draft: the manifest's ${key} is "${manifest[key]}", the request asks for "${wanted}"; leave one of them out`,
      { details: { pointer: `/${key}` } },
    );
  }
}

function checkValues(values: Readonly<Record<string, string>>, settings: ControlSettings): void {
  const { envKeysMax, envValueBytesMax } = settings;
  const entries = Object.entries(values);
  const fault = (key: string, why: string): ReactorError =>
    new ReactorError(
      "env_key_invalid",
      `Cannot run the draft with ${JSON.stringify(key.slice(0, 130))}: ${why}`,
    );
  if (entries.length > envKeysMax) {
    throw fault(`${entries.length} variables`, `at most ${envKeysMax} are allowed`);
  }
  for (const [key, value] of entries) {
    if (!envKeyPattern.test(key)) throw fault(key, `it must match ${envKeyPattern.source}`);
    if (value.includes("\0")) throw fault(key, "its value must not hold a NUL character");
    if (Buffer.byteLength(value) > envValueBytesMax) {
      throw fault(key, `its value is longer than ${envValueBytesMax} bytes`);
    }
  }
}

/** A key is a variable or a secret, and what the manifest declares must be given. */
function requireDeclared({ env, secrets }: DraftInput, manifest: Manifest): void {
  const twice = Object.keys(env).filter((key) => Object.hasOwn(secrets, key));
  const lacking = [
    ...(manifest.envKeys ?? []).filter((key) => !Object.hasOwn(env, key)),
    ...(manifest.secretKeys ?? []).filter((key) => !Object.hasOwn(secrets, key)),
  ];
  const [one] = twice;
  if (one === undefined && lacking.length === 0) return;
  const why =
    one === undefined
      ? `the manifest declares keys that were not given: ${lacking.join(", ")}; send them in env or secrets`
      : `"${one}" is both in env and in secrets; keep one of them`;
  throw new ReactorError("env_key_invalid", `Cannot run the draft: ${why}`, {
    details: { keys: one === undefined ? lacking : twice },
  });
}

/** The manifest's limits, no longer and no larger than a run may be. */
function bounded(manifest: Manifest, timeoutMsMax: number): Manifest {
  const { limits } = manifest;
  return {
    ...manifest,
    limits: {
      ...limits,
      timeoutMs: Math.min(limits.timeoutMs, timeoutMsMax),
      idleTimeoutMs: Math.min(limits.idleTimeoutMs, timeoutMsMax),
      streamTimeoutMs: Math.min(limits.streamTimeoutMs, timeoutMsMax),
      bodyOutBytesMax: Math.min(limits.bodyOutBytesMax, bodyOutBytesMax),
    },
  };
}
