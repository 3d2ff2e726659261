/** One rule that a value breaks. */
export interface Violation {
  /** JSON pointer of the value; "" is the whole. */
  readonly path: string;
  readonly message: string;
}

type Check = (value: unknown, path: string, found: Violation[]) => void;
type Keyword = (argument: unknown, at: string, schema: SchemaObject) => Check;
type SchemaObject = Readonly<Record<string, unknown>>;

const violationsMax = 50;
const depthMax = 64;
const annotations: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
  "readOnly",
  "writeOnly",
]);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
  array: Array.isArray,
  object: isObject,
};

const keywords: Readonly<Record<string, Keyword>> = {
  type: typeCheck,
  enum: (argument, at) => {
    const allowed = listOf(argument, at).map(canonical);
    return when(
      (value) => !allowed.includes(canonical(value)),
      `must be one of ${allowed.join(", ").slice(0, 200)}`,
    );
  },
  const: (argument) => {
    const wanted = canonical(argument);
    return when((value) => canonical(value) !== wanted, `must be ${wanted.slice(0, 200)}`);
  },
  minimum: numeric((value, bound) => value >= bound, "must be at least"),
  maximum: numeric((value, bound) => value <= bound, "must be at most"),
  exclusiveMinimum: numeric((value, bound) => value > bound, "must be more than"),
  exclusiveMaximum: numeric((value, bound) => value < bound, "must be less than"),
  minLength: sized(textLength, (size, bound) => size >= bound, "must have at least", "characters"),
  maxLength: sized(textLength, (size, bound) => size <= bound, "must have at most", "characters"),
  minItems: sized(itemCount, (size, bound) => size >= bound, "must have at least", "items"),
  maxItems: sized(itemCount, (size, bound) => size <= bound, "must have at most", "items"),
  pattern: (argument, at) => {
    if (typeof argument !== "string") throw refused(at, "must be a string");
    const pattern = new RegExp(argument, "u");
    const message = `must match ${argument.slice(0, 200)}`;
    return when((value) => typeof value === "string" && !pattern.test(value), message);
  },
  items: (argument, at) => {
    const check = compile(argument, at);
    return (value, path, found) => {
      if (!Array.isArray(value)) return;
      for (const [index, item] of value.entries()) {
        if (found.length >= violationsMax) return;
        check(item, `${path}/${index}`, found);
      }
    };
  },
  required: (argument, at) => {
    const names = listOf(argument, at);
    return (value, path, found) => {
      if (!isObject(value)) return;
      for (const name of names) {
        if (!Object.hasOwn(value, String(name))) {
          report(found, pointer(path, String(name)), "is required");
        }
      }
    };
  },
  properties: (argument, at) => {
    const checks = Object.entries(objectOf(argument, at)).map(
      ([name, schema]) => [name, compile(schema, pointer(at, name))] as const,
    );
    return (value, path, found) => {
      if (!isObject(value)) return;
      for (const [name, check] of checks) {
        if (Object.hasOwn(value, name)) check(value[name], pointer(path, name), found);
      }
    };
  },
  additionalProperties: (argument, at, schema) => {
    const known = new Set(Object.keys(objectOf(schema["properties"] ?? {}, at)));
    const check = compile(argument, at, "is not a known property");
    return (value, path, found) => {
      if (!isObject(value)) return;
      for (const name of Object.keys(value)) {
        if (found.length >= violationsMax) return;
        if (!known.has(name)) check(value[name], pointer(path, name), found);
      }
    };
  },
  anyOf: (argument, at) => {
    const checks = listOf(argument, at).map((schema, index) => compile(schema, `${at}/${index}`));
    return (value, path, found) => {
      if (!checks.some((check) => passes(check, value))) {
        report(found, path, `must fit one of ${checks.length} schemas`);
      }
    };
  },
  allOf: (argument, at) => {
    const checks = listOf(argument, at).map((schema, index) => compile(schema, `${at}/${index}`));
    return (value, path, found) => {
      for (const check of checks) check(value, path, found);
    };
  },
};

/**
 * Compiles a JSON Schema of the keywords above into a validator that lists at most 50 violations.
 * Throws an error that names the place for a keyword that it does not know, since one that is
 * ignored would let through what the author meant to refuse.
 */
export function compileJsonSchema(schema: unknown): (value: unknown) => readonly Violation[] {
  const check = compile(schema, "");
  return (value) => {
    const found: Violation[] = [];
    check(value, "", found);
    return found;
  };
}

function compile(schema: unknown, at: string, never = "is not allowed"): Check {
  if (schema === true) return () => {};
  if (schema === false) return when(() => true, never);
  if (at.split("/").length > depthMax) throw refused(at, `is deeper than ${depthMax} levels`);
  const rules = objectOf(schema, at);
  const checks: Check[] = [];
  for (const [name, argument] of Object.entries(rules)) {
    if (annotations.has(name)) continue;
    const keyword = Object.hasOwn(keywords, name) ? keywords[name] : undefined;
    const place = pointer(at, name);
    if (keyword === undefined) {
      throw refused(place, `is not supported, must be one of ${Object.keys(keywords).join(", ")}`);
    }
    checks.push(keyword(argument, place, rules));
  }
  return (value, path, found) => {
    for (const check of checks) check(value, path, found);
  };
}

function typeCheck(argument: unknown, at: string): Check {
  const names = (Array.isArray(argument) ? argument : [argument]).map(String);
  const tests = names.map((name) => {
    const test = Object.hasOwn(types, name) ? types[name] : undefined;
    if (test === undefined) throw refused(at, `has no type "${name}"`);
    return test;
  });
  return when(
    (value) => !tests.some((test) => test(value)),
    `must be of type ${names.join(" or ")}`,
  );
}

function numeric(holds: (value: number, bound: number) => boolean, text: string): Keyword {
  return (argument, at) => {
    const bound = numberOf(argument, at);
    return when((value) => typeof value === "number" && !holds(value, bound), `${text} ${bound}`);
  };
}

function sized(
  sizeOf: (value: unknown) => number | undefined,
  holds: (size: number, bound: number) => boolean,
  text: string,
  unit: string,
): Keyword {
  return (argument, at) => {
    const bound = numberOf(argument, at);
    const breaks = (value: unknown): boolean => {
      const size = sizeOf(value);
      return size !== undefined && !holds(size, bound);
    };
    return when(breaks, `${text} ${bound} ${unit}`);
  };
}

/** JSON Schema counts code points. */
function textLength(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  let count = 0;
  for (const _ of value) count += 1;
  return count;
}

function itemCount(value: unknown): number | undefined {
  return Array.isArray(value) ? value.length : undefined;
}

function when(breaks: (value: unknown) => boolean, message: string): Check {
  return (value, path, found) => {
    if (breaks(value)) report(found, path, message);
  };
}

function report(found: Violation[], path: string, message: string): void {
  if (found.length < violationsMax) found.push({ path, message });
}

function passes(check: Check, value: unknown): boolean {
  const found: Violation[] = [];
  check(value, "", found);
  return found.length === 0;
}

/** Text that is equal for equal JSON values, whatever the order of their keys. */
function canonical(value: unknown): string {
  const sorted = JSON.stringify(value, (_key, part: unknown) =>
    isObject(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return sorted ?? "undefined";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown, at: string): SchemaObject {
  if (!isObject(value)) throw refused(at, "must be an object");
  return value;
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refused(at, "must be an array");
  return value;
}

function numberOf(value: unknown, at: string): number {
  if (typeof value !== "number") throw refused(at, "must be a number");
  return value;
}

function pointer(path: string, name: string): string {
  return `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function refused(at: string, why: string): Error {
  return new Error(`Cannot use the JSON Schema: "${at}" ${why}`);
}
