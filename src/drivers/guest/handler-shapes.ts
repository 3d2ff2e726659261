import type { HandlerShape } from "./messages.ts";

/** Calls the user's handler; what it returns is not trusted to be a Response. */
export type HandlerFunction = (this: unknown, request: Request, ctx: object) => unknown;

export interface FoundHandler {
  readonly shape: HandlerShape;
  readonly call: HandlerFunction;
  /** What `this` is in the handler. */
  readonly target: unknown;
}

type ModuleExports = Readonly<Record<string, unknown>>;

interface ShapeEntry {
  readonly shape: HandlerShape;
  readonly looksLike: string;
  find(exports: ModuleExports, handler: string | undefined): FoundHandler | undefined;
}

/** Tried in this order; the first that fits wins. */
const shapes: readonly ShapeEntry[] = [
  {
    shape: "fetch",
    looksLike: "`export default { fetch(request, ctx) }`",
    find: (exports, handler) => fetchHandler(exports[handler ?? "default"]),
  },
  {
    shape: "function",
    looksLike:
      "`export default function (request, ctx)` (or an export named `handler`, or the one that the manifest key `handler` names)",
    find: (exports, handler) =>
      handler === undefined
        ? (plainHandler(exports["handler"]) ?? plainHandler(exports["default"]))
        : plainHandler(exports[handler]),
  },
];

/**
 * Finds the handler among a module's exports. When the manifest names an export, only that one is
 * looked at. Throws an error that says which shapes exist and what was found instead.
 */
export function findHandler(exports: ModuleExports, handler: string | undefined): FoundHandler {
  for (const entry of shapes) {
    const found = entry.find(exports, handler);
    if (found !== undefined) return found;
  }
  const names = Object.keys(exports);
  const have = names.length === 0 ? "no exports" : `the exports ${names.slice(0, 20).join(", ")}`;
  const wanted =
    handler === undefined ? "" : ` The manifest names the export "${handler}", which does not fit.`;
  const hint = isClass(exports[handler ?? "default"])
    ? " The default export is a class: export an instance of it."
    : "";
  throw new Error(
    `No handler found: the module has ${have}.${wanted}${hint} Export one of: ${shapes.map((entry) => entry.looksLike).join("; ")}.`,
  );
}

function fetchHandler(candidate: unknown): FoundHandler | undefined {
  const holder =
    typeof candidate === "object" || typeof candidate === "function" ? candidate : null;
  if (holder === null || !("fetch" in holder) || !isHandler(holder.fetch)) return undefined;
  return { shape: "fetch", call: holder.fetch, target: holder };
}

function plainHandler(candidate: unknown): FoundHandler | undefined {
  if (!isHandler(candidate) || isClass(candidate)) return undefined;
  return { shape: "function", call: candidate, target: undefined };
}

function isHandler(value: unknown): value is HandlerFunction {
  return typeof value === "function";
}

function isClass(value: unknown): boolean {
  return typeof value === "function" && /^class\b/.test(Function.prototype.toString.call(value));
}
