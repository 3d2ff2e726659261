type Token =
  | { readonly kind: "char"; readonly char: string }
  /** `?`: one character of a segment. */
  | { readonly kind: "one" }
  /** `*`: any characters of a segment; `**`: also slashes. */
  | { readonly kind: "many"; readonly slashes: boolean };

/** Longest glob, and most wildcards in one: together they bound the steps per character. */
const globLengthMax = 200;
const globStarsMax = 6;
/** Longest text that is compared with a glob. */
export const globTextMax = 4096;

/** Why a glob is refused, as the end of a sentence; undefined when it is one. */
export function globFault(glob: string): string | undefined {
  if (glob.length > globLengthMax) return `is longer than ${globLengthMax} characters`;
  const stars = glob.match(/\*+/g)?.length ?? 0;
  return stars > globStarsMax
    ? `has ${stars} wildcards, at most ${globStarsMax} are allowed`
    : undefined;
}

/**
 * Compiles a glob: `?` is one character and `*` any number of them within a segment, `**` any
 * number of anything. Matching keeps the set of places in the glob where the text so far may have
 * led, so it takes at most (length of text) × (length of glob) steps and never goes back.
 */
export function compileGlob(glob: string): (text: string) => boolean {
  const tokens = tokensOf(glob);
  const end = tokens.length;
  return (text) => {
    let places = closure(tokens, [0]);
    for (const char of text) {
      if (places.length === 0) return false;
      places = closure(tokens, step(tokens, places, char));
    }
    return places.includes(end);
  };
}

function tokensOf(glob: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const [text] of glob.matchAll(/\*+|[^*]/gsu)) {
    if (text.startsWith("*")) tokens.push({ kind: "many", slashes: text.length > 1 });
    else tokens.push(text === "?" ? { kind: "one" } : { kind: "char", char: text });
  }
  return tokens;
}

/** The places that a character leads to, each once because `places` is in order and has no double. */
function step(tokens: readonly Token[], places: readonly number[], char: string): number[] {
  const next: number[] = [];
  for (const place of places) {
    const token = tokens[place];
    if (token === undefined) continue;
    if (token.kind === "char" && token.char === char) next.push(place + 1);
    else if (token.kind === "one" && char !== "/") next.push(place + 1);
    else if (token.kind === "many" && (token.slashes || char !== "/")) next.push(place);
  }
  return next;
}

/** The places with those that a `*` for nothing leads to. */
function closure(tokens: readonly Token[], places: readonly number[]): number[] {
  const all: number[] = [];
  let last = -1;
  for (const place of places) {
    let reached = place;
    while (reached > last) {
      all.push(reached);
      if (tokens[reached]?.kind !== "many") break;
      reached += 1;
    }
    last = Math.max(last, all.at(-1) ?? -1);
  }
  return all;
}
