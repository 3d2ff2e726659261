import path from "node:path";
import type { Address, SettingDefinition } from "./setting.ts";

/** What is wrong with a value, as the end of the sentence `… is 7, it must be …`. */
class Unfit extends Error {}

const listItemsMax = 1000;

function parseInteger(
  raw: unknown,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: SettingDefinition,
): number {
  const value = typeof raw === "string" && /^\d{1,15}$/.test(raw) ? Number(raw) : raw;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max)
    return value;
  throw new Unfit(`a whole number from ${min} to ${max}`);
}

function parseBoolean(raw: unknown): boolean {
  if (typeof raw === "boolean") return raw;
  if (raw === "true" || raw === "1") return true;
  if (raw === "false" || raw === "0") return false;
  throw new Unfit("true or false");
}

function parseText(raw: unknown): string {
  if (typeof raw === "string" && raw !== "" && !/\p{Cc}/u.test(raw)) return raw;
  throw new Unfit("text of one line, and not empty");
}

function parseList(raw: unknown, { items }: SettingDefinition): readonly string[] {
  const parts: readonly unknown[] =
    typeof raw === "string"
      ? raw.split(",").map((part) => part.trim())
      : Array.isArray(raw)
        ? raw
        : [undefined];
  const says = `a list of ${items?.says ?? "words"}, as an array or with commas`;
  if (parts.length > listItemsMax) throw new Unfit(`a list of at most ${listItemsMax} items`);
  return Object.freeze(
    parts
      .filter((part) => part !== "")
      .map((part) => {
        if (typeof part === "string" && (items?.pattern ?? /^\S{1,253}$/).test(part)) return part;
        throw new Unfit(says);
      }),
  );
}

function parseAddress(raw: unknown): Address {
  const says = "host:port, e.g. 127.0.0.1:8080, or 0.0.0.0:8080 for every interface";
  const text = typeof raw === "number" ? String(raw) : raw;
  if (typeof text !== "string") throw new Unfit(says);
  const pattern = /^(?:(\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9.-]{1,253}):)?(\d{1,5})$/;
  const [, host = "127.0.0.1", port] = pattern.exec(text) ?? [];
  if (port === undefined || Number(port) > 65_535) throw new Unfit(says);
  return Object.freeze({ host: host.replace(/^\[|\]$/g, ""), port: Number(port) });
}

function parseChoice(raw: unknown, { choices = [] }: SettingDefinition): string {
  const found = choices.find((choice) => choice === raw);
  if (found === undefined) throw new Unfit(`one of ${choices.join(", ")}`);
  return found;
}

/** Base64 (also the URL alphabet) of exactly 32 bytes. */
function parseKey(raw: unknown): string {
  const text = typeof raw === "string" ? raw : "";
  const standard = text.replaceAll("-", "+").replaceAll("_", "/").replace(/=+$/, "");
  const bytes = Buffer.from(standard, "base64");
  const exact = bytes.length === 32 && bytes.toString("base64").replace(/=+$/, "") === standard;
  if (exact) return bytes.toString("base64");
  throw new Unfit("32 bytes in base64; make one with: openssl rand -base64 32");
}

const parsers: Readonly<
  Record<
    SettingDefinition["type"],
    (raw: unknown, definition: SettingDefinition, folder: string) => unknown
  >
> = {
  integer: parseInteger,
  boolean: parseBoolean,
  choice: parseChoice,
  list: parseList,
  address: parseAddress,
  key: parseKey,
  text: parseText,
  path: (raw, _definition, folder) => path.resolve(folder, parseText(raw)),
};

export type ParsedSetting =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly must: string };

/** Reads a raw value (from TOML, an environment variable or a flag); relative paths start at `folder`. */
export function parseSetting(
  raw: unknown,
  definition: SettingDefinition,
  folder: string,
): ParsedSetting {
  try {
    return { ok: true, value: parsers[definition.type](raw, definition, folder) };
  } catch (error) {
    if (error instanceof Unfit) return { ok: false, must: error.message };
    throw error;
  }
}
