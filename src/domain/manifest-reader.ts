import { ReactorError } from "./errors.ts";
import type { KeyContext, ManifestKey } from "./manifest-key.ts";
import { manifestKeys } from "./manifest-keys.ts";
import { nearestKey } from "./nearest-key.ts";

const keyByPointer = new Map(manifestKeys.map((key) => [key.pointer, key]));

/** The table's entry at a pointer. */
export function manifestKey(pointer: string): ManifestKey | undefined {
  return keyByPointer.get(pointer);
}

export interface ManifestReader {
  string(pointer: string): string | undefined;
  strings(pointer: string): readonly string[] | undefined;
  number(pointer: string): number | undefined;
  boolean(pointer: string): boolean | undefined;
  /** As it came, for those who read it by rules of their own. */
  raw(pointer: string): unknown;
}

/** Reads values by the types and bounds of the table. */
export function createManifestReader(
  values: ReadonlyMap<string, unknown>,
  context: KeyContext,
): ManifestReader {
  const present = (pointer: string): { key: ManifestKey; value: unknown } | undefined => {
    const key = manifestKey(pointer);
    if (key === undefined) throw new Error(`Assertion failed: no manifest key ${pointer}`);
    return values.has(pointer) ? { key, value: values.get(pointer) } : undefined;
  };
  return {
    string(pointer) {
      const found = present(pointer);
      return found && readString(found.key, found.value);
    },
    strings(pointer) {
      const found = present(pointer);
      return found && readStrings(found.key, found.value);
    },
    number(pointer) {
      const found = present(pointer);
      return found && readNumber(found.key, found.value, context);
    },
    boolean(pointer) {
      const value = present(pointer)?.value;
      if (value === undefined || typeof value === "boolean") return value;
      throw wrongType(pointer, value, "true or false");
    },
    raw: (pointer) => present(pointer)?.value,
  };
}

export function readString(key: ManifestKey, value: unknown): string {
  if (typeof value !== "string") throw wrongType(key.pointer, value, "a string");
  if (key.type === "choice" && !key.choices.includes(value)) {
    const nearest = nearestKey(value, key.choices) ?? "";
    throw invalidManifest(
      key.pointer,
      `it is ${shown(value)}, must be one of ${key.choices.join(", ")}; the nearest is "${nearest}"`,
    );
  }
  if (key.type === "string") checkText(key, key.pointer, value);
  return value;
}

function readStrings(key: ManifestKey, value: unknown): readonly string[] {
  if (key.type !== "strings" || !Array.isArray(value)) {
    throw wrongType(key.pointer, value, "an array of strings");
  }
  if (value.length > key.itemsMax) {
    throw invalidManifest(
      key.pointer,
      `it has ${value.length} items, at most ${key.itemsMax} are allowed`,
    );
  }
  const items: string[] = [];
  for (const [index, item] of value.entries()) {
    const pointer = `${key.pointer}/${index}`;
    if (typeof item !== "string") throw wrongType(pointer, item, "a string");
    checkText(key, pointer, item);
    if (items.includes(item)) throw invalidManifest(pointer, `${shown(item)} is listed twice`);
    items.push(item);
  }
  return items;
}

function checkText(
  key: { readonly pattern?: RegExp; readonly lengthMax: number; readonly bounds: string },
  pointer: string,
  value: string,
): void {
  if (value.length > key.lengthMax) {
    throw invalidManifest(
      pointer,
      `it has ${value.length} characters, at most ${key.lengthMax} are allowed`,
    );
  }
  if (value === "" || (key.pattern !== undefined && !key.pattern.test(value))) {
    throw invalidManifest(pointer, `it is ${shown(value)}, must be ${key.bounds}`);
  }
}

function readNumber(key: ManifestKey, value: unknown, context: KeyContext): number {
  if (key.type !== "integer" && key.type !== "number") {
    throw new Error(`Assertion failed: ${key.pointer} is no number`);
  }
  const whole = key.type === "integer";
  if (typeof value !== "number" || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    throw wrongType(key.pointer, value, whole ? "a whole number" : "a number");
  }
  const { min, max, because } = key.range(context);
  if (value < min || value > max) {
    const reason = because !== undefined && value > max ? ` (${because})` : "";
    throw invalidManifest(
      key.pointer,
      `it is ${value}, must be between ${min} and ${max}${reason}`,
    );
  }
  return value;
}

/** `manifest_invalid` at a JSON pointer ("" is the manifest itself). */
export function invalidManifest(pointer: string, reason: string, cause?: unknown): ReactorError {
  const place = pointer === "" ? "" : ` at ${pointer}`;
  return new ReactorError("manifest_invalid", `Cannot accept the manifest${place}: ${reason}`, {
    details: { pointer },
    ...(cause === undefined ? {} : { cause }),
  });
}

export function wrongType(pointer: string, value: unknown, wanted: string): ReactorError {
  return invalidManifest(pointer, `it is ${kindOf(value)}, must be ${wanted}`);
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "absent";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function shown(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
