import type { FunctionSchemas, ReportedSchema } from "../../domain/function-schemas.ts";
import { WireError } from "../../wire/wire-error.ts";

const messageCharsMax = 4096;
const stackCharsMax = 16 * 1024;
const schemaBytesMax = 32 * 1024;
const schemaDepthMax = 256;

/** A guest's failure, cut to size. */
export interface ParsedFailure {
  readonly kind: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** Parses the JSON of a `failure` frame and masks its texts; throws WireError when it is none. */
export function parseFailure(json: string, owner: { masked(text: string): string }): ParsedFailure {
  const value = parseObject(json, "failure");
  const { kind, message, stack } = value;
  if (typeof kind !== "string" || typeof message !== "string") {
    throw new WireError("bad_frame", "Failure frame lacks its kind or message");
  }
  return {
    kind,
    message: owner.masked(message).slice(0, messageCharsMax),
    stack: typeof stack === "string" ? owner.masked(stack).slice(0, stackCharsMax) : undefined,
  };
}

/** Parses the JSON of the guest's `hello`; throws WireError when it speaks another version. */
export function parseHello(json: string, version: number): { readonly runtimeVersion: string } {
  const value = parseObject(json, "hello");
  if (value["version"] !== version) {
    throw new WireError(
      "version_mismatch",
      `The guest speaks protocol ${JSON.stringify(value["version"])}, must be ${version}`,
    );
  }
  return { runtimeVersion: textOf(value["runtimeVersion"]) };
}

/** What a guest says of the module it loaded. */
export interface ReadyReport {
  readonly shape: string;
  readonly schemas: FunctionSchemas | undefined;
}

/** Parses the JSON of `ready`. Schemas that are none, or too large or deep to keep, are as if not told. */
export function parseReady(json: string): ReadyReport {
  const ready = parseObject(json, "ready");
  const shape = textOf(ready["shape"]);
  if (!/^[a-z_]{1,32}$/.test(shape))
    throw new WireError("bad_frame", "Ready frame lacks its shape");
  const input = reportedSchema(ready["input"]);
  const output = reportedSchema(ready["output"]);
  const told = input !== undefined || output !== undefined;
  return { shape, schemas: told ? { input, output } : undefined };
}

function reportedSchema(value: unknown): ReportedSchema | undefined {
  if (typeof value === "boolean") return value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  if (isDeeper(value, schemaDepthMax)) return undefined;
  return Buffer.byteLength(JSON.stringify(value)) > schemaBytesMax ? undefined : { ...value };
}

/** Whether objects nest deeper than that; whoever reads them later may recurse. */
function isDeeper(value: object, depthMax: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > depthMax) return true;
    level = level.flatMap((item) =>
      typeof item === "object" && item !== null ? Object.values(item) : [],
    );
  }
  return false;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 64) : "";
}

function parseObject(json: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new WireError("bad_frame", `The ${what} frame is no JSON: ${String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new WireError("bad_frame", `The ${what} frame is no JSON object`);
  }
  return { ...value };
}
