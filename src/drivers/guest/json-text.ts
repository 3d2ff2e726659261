/** JSON text as a value, or why it is none. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

/** Whether a key `__proto__` may be in the text, plainly or with escapes. */
const suspicious = /__proto__|\\u00/i;

/**
 * Parses JSON that a client sent. A key `__proto__` makes it unusable: copied with `Object.assign`
 * or merged by user code, it would change prototypes.
 */
export function parseJsonText(text: string): ParsedJson {
  try {
    if (!suspicious.test(text)) return { ok: true, value: JSON.parse(text) };
    let polluting = false;
    const value: unknown = JSON.parse(text, (key, part: unknown) => {
      if (key === "__proto__") polluting = true;
      return part;
    });
    return polluting
      ? { ok: false, reason: 'must not have a key "__proto__"' }
      : { ok: true, value };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** The query of a URL as an object without a prototype; a repeated name gives an array of its values. */
export function queryObject(url: string): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of new URL(url).searchParams) {
    const before = query[name];
    if (before === undefined) query[name] = value;
    else if (typeof before === "string") query[name] = [before, value];
    else before.push(value);
  }
  return query;
}
