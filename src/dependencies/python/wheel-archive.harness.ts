import { createHash } from "node:crypto";
import { rawZip } from "../../archive/raw-zip.harness.ts";

/** A wheel that a test makes; what is not said is what a plain pure wheel has. */
export interface TestWheel {
  readonly name: string;
  readonly version: string;
  readonly tag?: string;
  /** Files on the search path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Further lines of METADATA, such as `Requires-Dist: b>=1`. */
  readonly metadata?: readonly string[];
  readonly pure?: boolean;
  /** Changes the text of RECORD. */
  readonly record?: (text: string) => string;
  /** Files that RECORD does not know. */
  readonly smuggled?: Readonly<Record<string, string>>;
}

export function wheelFile({ name, version, tag = "py3-none-any" }: TestWheel): string {
  return `${name.replaceAll("-", "_")}-${version}-${tag}.whl`;
}

/** The wheel's bytes. */
export function wheelArchive(wheel: TestWheel): Buffer {
  const { name, version, tag = "py3-none-any", files = {}, metadata = [], pure = true } = wheel;
  const info = `${name.replaceAll("-", "_")}-${version}.dist-info`;
  const head = ["Metadata-Version: 2.1", `Name: ${name}`, `Version: ${version}`, ...metadata];
  const all: Record<string, string | Uint8Array> = {
    ...files,
    [`${info}/METADATA`]: `${head.join("\n")}\n\nThe description.\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: ${pure}\nTag: ${tag}\n`,
  };
  const lines = Object.entries(all).map(([path, text]) => {
    const digest = createHash("sha256").update(text).digest("base64url");
    return `${path},sha256=${digest},${Buffer.byteLength(text)}`;
  });
  const record = [...lines, `${info}/RECORD,,`, ""].join("\n");
  all[`${info}/RECORD`] = wheel.record?.(record) ?? record;
  const entries = Object.entries({ ...all, ...wheel.smuggled });
  return rawZip(entries.map(([path, content]) => ({ name: path, content, method: 8 })));
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
