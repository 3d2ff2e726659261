/**
 * Reads the YAML that pnpm writes: maps and lists by indentation, maps and lists in braces on one
 * line, quoted and plain texts. Own, because a complete reader of YAML takes seconds for a large
 * lockfile, in which the server would answer nobody; this one takes time in proportion to the text.
 * Every plain value is a text, but for `true` and `false`. Throws an Error that names the line for
 * all else: anchors, aliases, tags, several documents, keys that are there twice.
 */
export function parsePnpmYaml(text: string): unknown {
  const reader = new PnpmYamlReader(text);
  return reader.document();
}

const depthMax = 32;

interface Line {
  readonly number: number;
  readonly indent: number;
  /** Without indentation and trailing space. */
  readonly text: string;
}

class PnpmYamlReader {
  readonly #lines: readonly Line[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split(/\r?\n/).flatMap((raw, index) => {
      const trimmed = raw.trimEnd();
      const content = trimmed.trimStart();
      if (content === "" || content.startsWith("#")) return [];
      const indent = trimmed.length - content.length;
      if (trimmed.slice(0, indent).includes("\t"))
        throw fault(index + 1, "it is indented by a tab");
      return [{ number: index + 1, indent, text: content }];
    });
  }

  document(): unknown {
    const first = this.#lines[0];
    if (first === undefined) return {};
    const value = this.#block(0, 0);
    const rest = this.#lines[this.#at];
    if (rest !== undefined)
      throw fault(rest.number, "it is indented otherwise than what is around it");
    return value;
  }

  /** What stands at exactly this indentation. */
  #block(indent: number, depth: number): unknown {
    const line = this.#lines[this.#at];
    if (line === undefined || line.indent !== indent) {
      throw fault(line?.number ?? 0, "it is indented otherwise than what is around it");
    }
    if (depth > depthMax) throw fault(line.number, `it is deeper than ${depthMax} levels`);
    return isItem(line) ? this.#list(indent) : this.#map(indent, depth);
  }

  #list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      if (!isItem(line)) break;
      items.push(readScalar(line.text.slice(2).trimStart(), line));
      this.#at += 1;
    }
    return items;
  }

  #map(indent: number, depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (let line = this.#lines[this.#at]; line?.indent === indent; line = this.#lines[this.#at]) {
      if (isItem(line)) break;
      const { key, rest } = splitKey(line);
      if (entries.has(key))
        throw fault(line.number, `the key ${JSON.stringify(key)} is there twice`);
      this.#at += 1;
      entries.set(key, this.#value(rest, line, depth));
    }
    return Object.fromEntries(entries);
  }

  #value(rest: string, line: Line, depth: number): unknown {
    if (/^[>|][-+]?$/.test(rest)) return this.#prose(line.indent);
    if (rest !== "") return readScalar(rest, line);
    const next = this.#lines[this.#at];
    if (next === undefined) return {};
    if (next.indent > line.indent) return this.#block(next.indent, depth + 1);
    // A list may stand as far left as its key.
    return next.indent === line.indent && isItem(next) ? this.#list(next.indent) : {};
  }

  /** Text of several lines, such as why a package is deprecated. */
  #prose(indent: number): string {
    const lines: string[] = [];
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent > indent; ) {
      lines.push(line.text);
      this.#at += 1;
      line = this.#lines[this.#at];
    }
    return lines.join("\n");
  }
}

function isItem({ text }: Line): boolean {
  return text.startsWith("- ");
}

function splitKey(line: Line): { readonly key: string; readonly rest: string } {
  const { text } = line;
  const quoted = /^(?:'((?:[^']|'')*)'|"((?:[^"\\]|\\.)*)"):(?:\s+(.*))?$/.exec(text);
  if (quoted !== null) {
    const [, single, double = "", rest = ""] = quoted;
    return { key: single?.replaceAll("''", "'") ?? unescaped(double, line), rest };
  }
  const colon = text.endsWith(":") && !text.includes(": ") ? text.length - 1 : text.indexOf(": ");
  if (colon <= 0 || /^['"&*!?%@`{}[\],|>]/.test(text))
    throw fault(line.number, "it is no key and value");
  return { key: text.slice(0, colon), rest: text.slice(colon + 1).trimStart() };
}

/** A value on the line of its key: a text, or a map or list in braces. */
function readScalar(text: string, line: Line): unknown {
  const reader = new FlowReader(text, line);
  return text.startsWith("{") || text.startsWith("[") ? reader.whole() : readText(text, line);
}

function readText(text: string, line: Line): string | boolean {
  const single = /^'((?:[^']|'')*)'$/.exec(text)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  const double = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1];
  if (double !== undefined) return unescaped(double, line);
  if (text === "true" || text === "false") return text === "true";
  if (/^['"&*!%@`|>]/.test(text) || / #|: |:$/.test(text)) {
    throw fault(line.number, "it has a value of a kind that pnpm does not write");
  }
  return text;
}

function unescaped(text: string, line: Line): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch (cause) {
    throw new Error(`line ${line.number} has a text that cannot be read`, { cause });
  }
}

const quotedForm = /'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"/y;
const plainKey = /[^\s:,'"{}[\]&*!][^:,'"{}[\]]*/y;
const plainValue = /[^\s,'"{}[\]&*!][^,'"{}[\]]*/y;

/** `{integrity: sha512-…, os: [linux]}` on one line. */
class FlowReader {
  readonly #text: string;
  readonly #line: Line;
  #at = 0;

  constructor(text: string, line: Line) {
    this.#text = text;
    this.#line = line;
  }

  whole(): unknown {
    const value = this.#value(0);
    if (this.#at < this.#text.length) throw this.#fault();
    return value;
  }

  #value(depth: number): unknown {
    if (depth > depthMax) throw fault(this.#line.number, `it is deeper than ${depthMax} levels`);
    if (this.#take("[")) return this.#list(depth);
    if (this.#take("{")) return this.#map(depth);
    return this.#scalar(plainValue);
  }

  #list(depth: number): unknown[] {
    const items: unknown[] = [];
    if (this.#take("]")) return items;
    do items.push(this.#value(depth + 1));
    while (this.#take(","));
    this.#expect("]");
    return items;
  }

  #map(depth: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    if (this.#take("}")) return {};
    do {
      const key = String(this.#scalar(plainKey));
      if (entries.has(key)) throw this.#fault();
      this.#expect(":");
      entries.set(key, this.#value(depth + 1));
    } while (this.#take(","));
    this.#expect("}");
    return Object.fromEntries(entries);
  }

  #scalar(plain: RegExp): string | boolean {
    const text = this.#match(quotedForm) ?? this.#match(plain)?.trimEnd();
    if (text === undefined) throw this.#fault();
    this.#skipSpace();
    return readText(text, this.#line);
  }

  #match(form: RegExp): string | undefined {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #take(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at += 1;
    this.#skipSpace();
    return true;
  }

  #expect(mark: string): void {
    if (!this.#take(mark)) throw this.#fault();
  }

  #skipSpace(): void {
    while (this.#text[this.#at] === " ") this.#at += 1;
  }

  #fault(): Error {
    return fault(this.#line.number, "its braces and brackets cannot be read");
  }
}

function fault(line: number, reason: string): Error {
  return new Error(`line ${line}: ${reason}`);
}
