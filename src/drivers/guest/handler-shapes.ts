import { isDefinedFunction } from "../../../sdk/index.ts";
import { adaptDefinedFunction } from "./define-function-shape.ts";
import { adaptEventHandler } from "./event-shape.ts";
import type { HandlerShape, ReadyMessage } from "./messages.ts";
import { reportableSchema } from "./reportable-schema.ts";

/** Calls the user's handler; what it returns is not trusted to be a Response. */
export type HandlerFunction = (this: unknown, request: Request, ctx: object) => unknown;

export interface FoundHandler {
  readonly shape: HandlerShape;
  readonly call: HandlerFunction;
  /** What `this` is in the handler. */
  readonly target: unknown;
  /** What it takes and returns, where that is known. */
  readonly schemas?: Pick<ReadyMessage, "input" | "output">;
}

type ModuleExports = Readonly<Record<string, unknown>>;

/** What decides about the shape beside the module itself. */
export interface WantedHandler {
  /** Export that the manifest names. */
  readonly handler?: string | undefined;
  /** Shape that the deployment recorded when it was materialized. */
  readonly shape?: string | undefined;
}

interface ShapeEntry {
  readonly shape: HandlerShape;
  readonly looksLike: string;
  find(exports: ModuleExports, wanted: WantedHandler): FoundHandler | undefined;
}

/** Tried in this order; the first that fits wins. */
const shapes: readonly ShapeEntry[] = [
  {
    shape: "fetch",
    looksLike: "`export default { fetch(request, ctx) }`",
    find: (exports, { handler }) => fetchHandler(exports[handler ?? "default"]),
  },
  {
    shape: "define_function",
    looksLike: "`export default defineFunction({ handler })` from @reactor/functions",
    find: (exports, { handler }) => definedHandler(exports[handler ?? "default"]),
  },
  {
    shape: "function",
    looksLike:
      "`export default function (request, ctx)` (or the export that the manifest key `handler` names)",
    find: (exports, wanted) => plainHandler(exports, wanted),
  },
  {
    shape: "event",
    looksLike: "a function `handler(event, context)`",
    find: (exports, { handler }) => (handler === undefined ? eventHandler(exports) : undefined),
  },
];

/**
 * Finds the handler among a module's exports. When the manifest names an export, only that one is
 * looked at; a deployment that recorded its shape keeps it. Throws an error that says which shapes
 * exist and what was found instead.
 */
export function findHandler(exports: ModuleExports, wanted: WantedHandler = {}): FoundHandler {
  const unwrapped = unwrapCommonJs(exports);
  for (const entry of shapes) {
    const found = entry.find(unwrapped, wanted);
    if (found !== undefined) return found;
  }
  throw new Error(notFound(unwrapped, wanted.handler));
}

function notFound(exports: ModuleExports, handler: string | undefined): string {
  const names = Object.keys(exports);
  const have = names.length === 0 ? "no exports" : `the exports ${names.slice(0, 20).join(", ")}`;
  const wanted =
    handler === undefined ? "" : ` The manifest names the export "${handler}", which does not fit.`;
  const hint = isClass(exports[handler ?? "default"])
    ? " The default export is a class: export an instance of it."
    : "";
  return `No handler found: the module has ${have}.${wanted}${hint} Export one of: ${shapes.map((entry) => entry.looksLike).join("; ")}.`;
}

/**
 * The bundler hands `module.exports` over as the default export; a compiler that made CommonJS of an
 * ES module says so in it, and a plain object of exports is then what the author exported.
 */
function unwrapCommonJs(exports: ModuleExports): ModuleExports {
  const names = Object.keys(exports);
  const only = names.length === 1 && names[0] === "default" ? exports["default"] : undefined;
  if (typeof only !== "object" || only === null || "fetch" in only || isDefinedFunction(only)) {
    return exports;
  }
  return Object.hasOwn(only, "__esModule") ? { ...only } : { ...only, ...exports };
}

function fetchHandler(candidate: unknown): FoundHandler | undefined {
  const holder =
    typeof candidate === "object" || typeof candidate === "function" ? candidate : null;
  if (holder === null || !("fetch" in holder) || !isHandler(holder.fetch)) return undefined;
  return { shape: "fetch", call: holder.fetch, target: holder };
}

function definedHandler(candidate: unknown): FoundHandler | undefined {
  if (!isDefinedFunction(candidate)) return undefined;
  return {
    shape: "define_function",
    call: adaptDefinedFunction(candidate),
    target: undefined,
    schemas: {
      input: reportableSchema(candidate.input, "input"),
      output: reportableSchema(candidate.output, "output"),
    },
  };
}

/**
 * Without a name, an export `handler` beside no default function is an event handler, unless the
 * deployment is of a time when it was called as this shape.
 */
function plainHandler(exports: ModuleExports, wanted: WantedHandler): FoundHandler | undefined {
  const { handler, shape } = wanted;
  if (handler !== undefined) return plainFunction(exports[handler]);
  const byDefault = plainFunction(exports["default"]);
  if (byDefault === undefined && shape !== "function") return undefined;
  return plainFunction(exports["handler"]) ?? byDefault;
}

function plainFunction(candidate: unknown): FoundHandler | undefined {
  if (!isHandler(candidate) || isClass(candidate)) return undefined;
  return { shape: "function", call: candidate, target: undefined };
}

function eventHandler(exports: ModuleExports): FoundHandler | undefined {
  const candidate = exports["handler"];
  if (!isHandler(candidate) || isClass(candidate)) return undefined;
  return { shape: "event", call: adaptEventHandler(candidate), target: undefined };
}

function isHandler(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === "function";
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}
