/** Readers of untrusted JSON: what has another form than it must have is not there. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object's own value under a key; undefined when there is none. */
export function own(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

export function ownObject(value: unknown, key: string): JsonObject {
  const found = own(value, key);
  return isObject(found) ? found : {};
}

export function ownText(value: unknown, key: string): string | undefined {
  const found = own(value, key);
  return typeof found === "string" ? found : undefined;
}

/** A list of texts, or one text, as package descriptions write `os` and `cpu`. */
export function ownTexts(value: unknown, key: string): readonly string[] {
  const found = own(value, key);
  const list: readonly unknown[] = Array.isArray(found) ? found : [found];
  return list.filter((item) => typeof item === "string");
}
