import { comparePythonVersions, fitsSpecifiers, parsePythonVersion } from "./version-order.ts";

/** What markers ask about, by the names that they use. */
export type MarkerEnvironment = Readonly<Record<string, string>>;

/** The environment of a CPython on Linux. */
export function markerEnvironment(options: {
  /** `3.11.2`. */
  readonly version: string;
  /** As `process.arch`. */
  readonly cpu: string;
}): MarkerEnvironment {
  const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
  return {
    python_version: options.version.split(".").slice(0, 2).join("."),
    python_full_version: options.version,
    implementation_name: "cpython",
    implementation_version: options.version,
    platform_python_implementation: "CPython",
    os_name: "posix",
    sys_platform: "linux",
    platform_system: "Linux",
    platform_machine: machines[options.cpu] ?? options.cpu,
    extra: "",
  };
}

const versionNames: ReadonlySet<string> = new Set([
  "python_version",
  "python_full_version",
  "implementation_version",
]);
const token =
  /\s*(?:(\()|(\))|(and|or|not\s+in|in)\b|(===|==|!=|<=|>=|~=|<|>)|"([^"]*)"|'([^']*)'|([a-z_.]+))/y;
const tokensMax = 200;
const depthMax = 20;

interface Token {
  readonly kind: "open" | "close" | "word" | "operator" | "text" | "name";
  readonly value: string;
}

/**
 * Whether an environment marker such as `python_version < "3.8" and sys_platform == "win32"` holds.
 * Undefined when it cannot be read, or asks for what the environment does not say.
 */
export function evaluateMarker(text: string, environment: MarkerEnvironment): boolean | undefined {
  const tokens = tokenize(text);
  if (tokens === undefined) return undefined;
  const reader = new MarkerReader(tokens, environment);
  try {
    return reader.whole();
  } catch (error) {
    if (error instanceof UnreadableMarker) return undefined;
    throw error;
  }
}

class UnreadableMarker extends Error {}

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  const source = text.trim();
  token.lastIndex = 0;
  for (let at = 0; at < source.length; at = token.lastIndex) {
    token.lastIndex = at;
    const match = token.exec(source);
    if (match === null || tokens.length >= tokensMax) return undefined;
    const [, open, close, word, operator, double, single, name] = match;
    if (open !== undefined) tokens.push({ kind: "open", value: open });
    else if (close !== undefined) tokens.push({ kind: "close", value: close });
    else if (word !== undefined) tokens.push({ kind: "word", value: word.replace(/\s+/, " ") });
    else if (operator !== undefined) tokens.push({ kind: "operator", value: operator });
    else if (name !== undefined) tokens.push({ kind: "name", value: name });
    else tokens.push({ kind: "text", value: double ?? single ?? "" });
  }
  return tokens;
}

/** `or` of `and` of comparisons and brackets, as PEP 508 has it. */
class MarkerReader {
  readonly #tokens: readonly Token[];
  readonly #environment: MarkerEnvironment;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], environment: MarkerEnvironment) {
    this.#tokens = tokens;
    this.#environment = environment;
  }

  whole(): boolean {
    const value = this.#or();
    if (this.#at < this.#tokens.length) throw new UnreadableMarker();
    return value;
  }

  #or(): boolean {
    let value = this.#and();
    while (this.#take("word", "or") !== undefined) value = this.#and() || value;
    return value;
  }

  #and(): boolean {
    let value = this.#atom();
    while (this.#take("word", "and") !== undefined) value = this.#atom() && value;
    return value;
  }

  #atom(): boolean {
    if (this.#take("open") === undefined) return this.#comparison();
    this.#depth += 1;
    if (this.#depth > depthMax) throw new UnreadableMarker();
    const value = this.#or();
    this.#depth -= 1;
    if (this.#take("close") === undefined) throw new UnreadableMarker();
    return value;
  }

  #comparison(): boolean {
    const left = this.#operand();
    const operator = this.#take("operator") ?? this.#take("word");
    const right = this.#operand();
    if (operator === undefined) throw new UnreadableMarker();
    const asVersion = [left, right].some(
      ({ name }) => name !== undefined && versionNames.has(name),
    );
    const verdict = asVersion
      ? compareAsVersions(left.value, operator.value, right.value)
      : compareAsTexts(left.value, operator.value, right.value);
    if (verdict === undefined) throw new UnreadableMarker();
    return verdict;
  }

  #operand(): { readonly value: string; readonly name: string | undefined } {
    const text = this.#take("text");
    if (text !== undefined) return { value: text.value, name: undefined };
    const name = this.#take("name")?.value ?? "";
    if (!Object.hasOwn(this.#environment, name)) throw new UnreadableMarker();
    return { value: this.#environment[name] ?? "", name };
  }

  #take(kind: Token["kind"], value?: string): Token | undefined {
    const next = this.#tokens[this.#at];
    if (next?.kind !== kind || (value !== undefined && next.value !== value)) return undefined;
    this.#at += 1;
    return next;
  }
}

function compareAsVersions(left: string, operator: string, right: string): boolean | undefined {
  if (operator === "in" || operator === "not in") return compareAsTexts(left, operator, right);
  const version = parsePythonVersion(left);
  const other = parsePythonVersion(right);
  if (version === undefined) return undefined;
  if (other !== undefined && operator === "===") return comparePythonVersions(version, other) === 0;
  return fitsSpecifiers(version, `${operator}${right}`);
}

function compareAsTexts(left: string, operator: string, right: string): boolean | undefined {
  switch (operator) {
    case "==":
    case "===":
      return left === right;
    case "!=":
      return left !== right;
    case "in":
      return right.includes(left);
    case "not in":
      return !right.includes(left);
    default:
      return undefined;
  }
}
