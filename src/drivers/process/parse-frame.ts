import { WireError } from "../../wire/wire-error.ts";

const messageCharsMax = 4096;
const stackCharsMax = 16 * 1024;

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

/** Parses the JSON of `ready`. */
export function parseReady(json: string): { readonly shape: string } {
  const shape = textOf(parseObject(json, "ready")["shape"]);
  if (!/^[a-z_]{1,32}$/.test(shape))
    throw new WireError("bad_frame", "Ready frame lacks its shape");
  return { shape };
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
