/** A shorter value would mask what is no secret. */
const shortestSecret = 8;
const mask = "[secret]";

/** Replaces secret values in a text. */
export type SecretMask = (text: string) => string;

/**
 * A mask for these secrets (value by key): every value of 8 (or `shortest`) or more characters, and
 * every such line of a value of several lines, becomes `[secret]`, in plain and in the spellings
 * that logs produce: JSON strings, base64, base64url, hex and percent-encoding. Longer forms go
 * first, so that a value that contains another is masked whole.
 */
export function createSecretMask(
  secrets: Readonly<Record<string, string>>,
  shortest = shortestSecret,
): SecretMask {
  const forms = new Set<string>();
  for (const value of Object.values(secrets)) {
    for (const part of [value, ...value.split(/\r?\n/)]) {
      if (part.length >= shortest) for (const form of spellings(part)) forms.add(form);
    }
  }
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(escapePattern).join("|"), "g");
  return (text) => text.replace(pattern, mask);
}

function spellings(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    bytes.toString("base64"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
    hex,
    hex.toUpperCase(),
    // A lone surrogate has no percent-encoding.
    encodeURIComponent(value.toWellFormed()),
  ];
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
