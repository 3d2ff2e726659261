const messageLengthMax = 4 * 1024;
const stackLengthMax = 16 * 1024;
const causesMax = 4;

/** What was thrown, as it travels to the host. */
export interface Thrown {
  readonly message: string;
  readonly stack: string | undefined;
}

/** How the imported module is called in stacks, and what it should be called. */
export interface ModuleName {
  readonly url: string;
  /** The path that some messages have instead of the URL. */
  readonly path?: string | undefined;
  readonly entrypoint: string;
}

/**
 * Describes any thrown value, bounded: the message, and the stack with its causes in which the
 * module's internal URL is replaced by the entry point's path. Never throws, whatever the value's
 * getters do.
 */
export function describeThrown(value: unknown, module: ModuleName | undefined): Thrown {
  try {
    const message = messageOf(value);
    const stack = value instanceof Error ? stackOf(value, causesMax) : undefined;
    return {
      message: cut(named(message, module), messageLengthMax),
      stack: stack === undefined ? undefined : cut(named(stack, module), stackLengthMax),
    };
  } catch {
    return { message: "A value was thrown that cannot be described", stack: undefined };
  }
}

function messageOf(value: unknown): string {
  if (typeof value === "string") return value;
  if (isPositioned(value)) return positioned(value);
  if (value instanceof Error) return value.message === "" ? value.name : value.message;
  return `A value that is no Error was thrown: ${JSON.stringify(value) ?? String(value)}`;
}

function stackOf(error: Error, causesLeft: number): string {
  const own = typeof error.stack === "string" ? error.stack : `${error.name}: ${error.message}`;
  if (!(error.cause instanceof Error) || causesLeft === 0) return own;
  return `${own}\nCaused by: ${stackOf(error.cause, causesLeft - 1)}`;
}

interface Positioned {
  readonly message: unknown;
  readonly position: { readonly line: number; readonly column: number; readonly file: string };
}

/** Bun's parse errors keep their place apart, and have no stack. */
function isPositioned(value: unknown): value is Positioned {
  return (
    typeof value === "object" &&
    value !== null &&
    "message" in value &&
    "position" in value &&
    typeof value.position === "object" &&
    value.position !== null &&
    "line" in value.position
  );
}

function positioned({ message, position: at }: Positioned): string {
  return `${String(message)} (${at.file}:${at.line}:${at.column})`;
}

/** The text with the entry point's path in place of what the runtime calls the module. */
export function named(text: string, module: ModuleName | undefined): string {
  if (module === undefined) return text;
  const { url, path, entrypoint } = module;
  const renamed = text.replaceAll(url, entrypoint);
  return path === undefined ? renamed : renamed.replaceAll(path, entrypoint);
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}… [cut]`;
}
