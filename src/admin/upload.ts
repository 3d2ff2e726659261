import { z } from "@hono/zod-openapi";
import type { Upload } from "../control/control-plane.ts";
import { ReactorError } from "../domain/errors.ts";
import { isJson, mediaType, parseJson, readBody } from "./body.ts";
import { unsupportedType } from "./operation.ts";
import type { AdminServices } from "./services.ts";
import { validate } from "./validate.ts";

/** Room for what an archive adds to the bytes that `bundle_max_bytes` counts. */
const slackBytes = 64 * 1024;

/** Files by path, for the contract. */
export const filesRecord = z
  .record(
    z.string(),
    z.union([
      z.string().describe("Text of the file."),
      z.strictObject({ base64: z.string().describe("Bytes of the file.") }),
    ]),
  )
  .describe("Files by path below the bundle's root, forward slashes.");

const filesSchema = z.strictObject({ files: filesRecord }).openapi("UploadedFiles");

const archiveSchema = z.any().openapi({ type: "string", format: "binary" });
const archiveTypes = [
  "application/zip",
  "application/gzip",
  "application/x-gzip",
  "application/x-tar",
  "application/octet-stream",
] as const;

/** The media types of an upload, for the contract. */
export const uploadBodies: Readonly<Record<string, z.ZodType>> = {
  "application/json": filesSchema,
  ...Object.fromEntries(archiveTypes.map((type) => [type, archiveSchema])),
};

/**
 * Reads an uploaded bundle: an archive as it is (control unpacks it), or files from JSON. Throws
 * `unsupported_media_type`, `bundle_too_large` or `bundle_invalid`.
 */
export async function readUpload(request: Request, services: AdminServices): Promise<Upload> {
  const type = mediaType(request.headers);
  const json = isJson(type);
  if (!json && !archiveTypes.some((known) => known === type)) {
    throw unsupportedType(type, ["application/json", ...archiveTypes]);
  }
  // Base64 takes four bytes for three, and JSON's quoting and paths take some more.
  const factor = json ? 4 / 3 : 1;
  const bytes = await readBody(
    request,
    {
      bytesMax: Math.ceil(services.bundleBytesMax * factor) + slackBytes,
      idleMs: services.limits.bodyIdleMs,
      overCode: "bundle_too_large",
    },
    services.clock,
  );
  if (bytes.byteLength === 0) {
    throw new ReactorError("bundle_invalid", "The upload is empty; send an archive or files");
  }
  return json
    ? { kind: "files", files: filesOf(parseJson(bytes, "bundle_invalid")) }
    : { kind: "archive", bytes };
}

function filesOf(body: unknown): ReadonlyMap<string, Uint8Array> {
  const { files } = validate(filesSchema, body, "body");
  // The schema's record leaves this one name out in silence, since it would set a prototype.
  const raw: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "files") : {};
  if (typeof raw === "object" && raw !== null && Object.hasOwn(raw, "__proto__")) {
    throw new ReactorError(
      "bundle_invalid",
      'Cannot take a file named "__proto__" from JSON; send an archive or rename it',
      { details: { path: "__proto__" } },
    );
  }
  return decodeFiles(files);
}

/** The bytes of files that came in JSON. */
export function decodeFiles(
  files: Readonly<z.output<typeof filesRecord>>,
): ReadonlyMap<string, Uint8Array> {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      typeof content === "string" ? encoder.encode(content) : decodeBase64(path, content.base64),
    ]),
  );
}

function decodeBase64(path: string, text: string): Uint8Array {
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    return Buffer.from(text, "base64");
  }
  throw new ReactorError(
    "bundle_invalid",
    `The file ${JSON.stringify(path.slice(0, 200))} is not valid base64`,
    { details: { path: path.slice(0, 512) } },
  );
}
