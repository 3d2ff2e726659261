/** The bounds of a JSON text that a stranger sent. */
export interface JsonBounds {
  /** Objects and arrays within each other. */
  readonly depthMax: number;
  /** Members of objects and elements of arrays, in all. */
  readonly membersMax: number;
}

/** Why a text is refused that `JSON.parse` might take. */
export class StrictJsonError extends Error {
  /** JSON pointer of the offending place, cut when it is long. */
  readonly pointer: string;

  constructor(message: string, pointer: string) {
    super(message);
    this.pointer = pointer;
  }
}

/** An object or array that is not closed yet. */
interface Open {
  /** The keys so far; undefined for an array. */
  readonly keys: Set<string> | undefined;
  /** The next string is a key. */
  expectsKey: boolean;
  /** The last key, or how many elements came before this one. */
  at: string | number;
}

const pointerCharsMax = 200;

/**
 * `JSON.parse`, but a key that an object has twice is an error and not last wins: two readers of the
 * text may disagree on which of them counts. Reads the text once before it is parsed, in time linear
 * in its length, so that a text over the bounds costs no more than that. Throws StrictJsonError, or
 * what `JSON.parse` throws.
 */
export function parseStrictJson(text: string, bounds: JsonBounds): unknown {
  checkMembers(text, bounds);
  return JSON.parse(text);
}

/** Says nothing of a text that is no JSON: the parser does. */
function checkMembers(text: string, { depthMax, membersMax }: JsonBounds): void {
  const path: Open[] = [];
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const open = path.at(-1);
    switch (text.charAt(i)) {
      case '"': {
        const end = closingQuote(text, i);
        if (end === -1) return;
        if (open?.expectsKey === true) takeKey(path, open, text.slice(i, end + 1));
        i = end;
        break;
      }
      case "{":
        path.push({ keys: new Set(), expectsKey: true, at: "" });
        break;
      case "[":
        path.push({ keys: undefined, expectsKey: false, at: 0 });
        break;
      case "}":
      case "]":
        path.pop();
        break;
      case ",":
        members += 1;
        if (open?.keys !== undefined) open.expectsKey = true;
        else if (typeof open?.at === "number") open.at += 1;
        break;
    }
    if (path.length > depthMax) {
      throw new StrictJsonError(`it is nested more than ${depthMax} levels deep`, pointerOf(path));
    }
    if (members >= membersMax) {
      throw new StrictJsonError(`it has more than ${membersMax} members`, pointerOf(path));
    }
  }
}

/** Where the string that opens at `from` closes; -1 when it does not. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    // Runs of backslashes before different quotes do not overlap, so this stays linear.
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at;
  }
  return -1;
}

function takeKey(path: readonly Open[], open: Open, quoted: string): void {
  open.expectsKey = false;
  const key = unquoted(quoted);
  open.at = key;
  if (open.keys?.has(key) === true) {
    throw new StrictJsonError(
      `it has the key ${JSON.stringify(key.slice(0, pointerCharsMax))} twice`,
      pointerOf(path),
    );
  }
  open.keys?.add(key);
}

/** The key that is meant: `"\u0061"` is `a`. */
function unquoted(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    // No JSON: the parser will say so.
    return quoted;
  }
}

function pointerOf(path: readonly Open[]): string {
  const parts = path.map(({ at }) => `/${String(at).replaceAll("~", "~0").replaceAll("/", "~1")}`);
  return parts.join("").slice(0, pointerCharsMax);
}
