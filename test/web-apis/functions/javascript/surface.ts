import { builtinModules } from "node:module";

/** What the environment puts there. */
const skipped = new Set(
  ["process.env", "Bun.env", "process.config"].map((name) => `globalThis.${name}`),
);
/** Streams, which are made when they are first asked for; what they do is asked by itself. */
for (const name of ["stdin", "stdout", "stderr"]) skipped.add(`globalThis.process.${name}`);
const asyncFunction: unknown = Reflect.getPrototypeOf(async () => undefined);
const depthMax = 2;

/** Names that belong to a runtime's inside and change without notice. */
function isInternal(key: string | symbol): boolean {
  const name = typeof key === "string" ? key : (key.description ?? "");
  return typeof key === "string" ? name.startsWith("_") : !name.startsWith("Symbol.");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value and what it inherits from, without what everything inherits from. */
function* chainOf(value: object): Generator<object> {
  const ends: unknown[] = [Object.prototype, Function.prototype, Array.prototype, asyncFunction];
  for (let at: object | null = value; at !== null; at = Reflect.getPrototypeOf(at)) {
    if (at !== value && ends.includes(at)) return;
    yield at;
  }
}

/** Adds a line for each property of the value, inherited ones too, and of what hangs below it. */
function describe(value: object, path: string, depth: number, lines: Set<string>): void {
  for (const owner of chainOf(value)) {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
      const name = `${path}.${String(key)}`;
      if (descriptor === undefined || isInternal(key) || lines.has(name)) continue;
      // Whether a function could be called with `new` depends on how it was written.
      if (key === "constructor" || key === "prototype") continue;
      lines.add(name);
      // Accessors of instances do work, or warn; only the global ones stand for the thing itself.
      if (depth === depthMax || skipped.has(name) || (depth > 0 && !("value" in descriptor)))
        continue;
      describeInner(Reflect.get(owner, key, value), name, depth, lines);
    }
  }
}

function describeInner(inner: unknown, name: string, depth: number, lines: Set<string>): void {
  if (inner === globalThis) return;
  if (isObject(inner)) {
    describe(inner, name, depth + 1, lines);
  } else if (typeof inner === "function") {
    lines.add(`${name}()`);
    if (depth === 0) describe(inner, name, depthMax, lines);
    if (isObject(inner.prototype)) describe(inner.prototype, `${name}.prototype`, depthMax, lines);
  }
}

/** Every module of the runtime with what it exports. */
async function describeModules(lines: Set<string>): Promise<void> {
  const names = new Set(
    builtinModules.map((name) => (/^(?:node|bun):|^bun$/.test(name) ? name : `node:${name}`)),
  );
  for (const name of names) {
    try {
      const module: Record<string, unknown> = await import(name);
      for (const key of Object.keys(module)) {
        if (!isInternal(key)) lines.add(`${name} ${key}: ${typeof module[key]}`);
      }
      lines.add(name);
    } catch (error) {
      lines.add(`${name}: ${(error as Error).name}`);
    }
  }
}

/** Everything by its name that a program can use: globals, their members, modules and their exports. */
export async function surface(): Promise<string[]> {
  const lines = new Set<string>();
  describe(globalThis, "globalThis", 0, lines);
  await describeModules(lines);
  return [...lines].toSorted();
}
