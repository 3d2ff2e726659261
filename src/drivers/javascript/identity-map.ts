/** Digits of base64 in order; a VLQ digit has five bits and one that says whether more follow. */
const digits = Buffer.from(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
  "latin1",
);
/** The digit of the delta 0. */
const zero = "A".charCodeAt(0);
const comma = ",".charCodeAt(0);
const semicolon = ";".charCodeAt(0);
/** Longest segment: two deltas of up to seven digits, two of one, and the comma. */
const segmentBytesMax = 17;
const growthBytes = 1024 * 1024;

/**
 * The `mappings` of a source map from a text to itself, moved down by `linesBefore` lines: a segment
 * at each start of a line, of a name and of a number, which are the places that stack traces name.
 * Columns are UTF-16 units and lines end where JavaScript says, as engines count both.
 */
export function identityMappings(text: string, linesBefore: number): Buffer {
  let out: Buffer = Buffer.alloc(Math.ceil(text.length / 2) + growthBytes, semicolon);
  let at = linesBefore;
  let lineDelta = 0;
  /** Column of the line's latest segment, -1 before the first; and of the latest on any line. */
  let generated = -1;
  let original = 0;
  let inWord = false;
  const length = text.length;
  for (let i = 0, column = 0; i < length; i++, column++) {
    const unit = text.charCodeAt(i);
    const isWord = isWordUnit(unit);
    if (generated === -1 || (isWord && !inWord)) {
      if (at + segmentBytesMax > out.length) out = grown(out);
      if (generated !== -1) out[at++] = comma;
      at = writeDelta(out, at, column - Math.max(generated, 0));
      out[at++] = zero;
      at = writeDelta(out, at, lineDelta);
      at = writeDelta(out, at, column - original);
      generated = column;
      original = column;
      lineDelta = 0;
    }
    inWord = isWord;
    if (!endsLine(text, i, unit)) continue;
    if (at + segmentBytesMax > out.length) out = grown(out);
    out[at++] = semicolon;
    lineDelta += 1;
    generated = -1;
    inWord = false;
    column = -1;
  }
  return out.subarray(0, at);
}

/** Letters, digits, `_`, `$` and everything beyond ASCII but its two line ends. */
function isWordUnit(unit: number): boolean {
  if (unit > 0x7f) return unit !== 0x2028 && unit !== 0x2029;
  return (
    (unit >= 0x61 && unit <= 0x7a) ||
    (unit >= 0x41 && unit <= 0x5a) ||
    (unit >= 0x30 && unit <= 0x39) ||
    unit === 0x5f ||
    unit === 0x24
  );
}

/** Whether a line ends with this unit; of CR LF it is the LF that ends it. */
function endsLine(text: string, at: number, unit: number): boolean {
  if (unit === 0x0a || unit === 0x2028 || unit === 0x2029) return true;
  return unit === 0x0d && text.charCodeAt(at + 1) !== 0x0a;
}

function writeDelta(out: Buffer, at: number, delta: number): number {
  let rest = delta < 0 ? (-delta << 1) | 1 : delta << 1;
  let next = at;
  while (rest > 31) {
    out[next++] = digits[(rest & 31) | 32] as number;
    rest >>>= 5;
  }
  out[next++] = digits[rest] as number;
  return next;
}

function grown(out: Buffer): Buffer {
  const larger = Buffer.allocUnsafe(out.length * 2);
  out.copy(larger);
  return larger;
}
