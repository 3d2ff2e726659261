import { readFile } from "node:fs/promises";
import path from "node:path";
import type { CommandContext } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { UsageError } from "../../usage-error.ts";

const bodyBytesMax = 64 * 1024 * 1024;

interface BodyOptions {
  readonly json: string | undefined;
  readonly payload: string | undefined;
  readonly data: string | undefined;
}

/** The JSON body as typed and the option that gave it; `--payload` is the Flux family's word for `--json`. */
export function jsonOf({
  json,
  payload,
}: BodyOptions): { flag: string; typed: string } | undefined {
  if (json !== undefined && payload !== undefined) {
    throw new UsageError("--json and --payload are two bodies; give one of them");
  }
  if (json !== undefined) return { flag: "--json", typed: json };
  return payload === undefined ? undefined : { flag: "--payload", typed: payload };
}

/** What `@file`, `-` or `@-` stands for; undefined when the text is the body itself. */
async function bytesNamedBy(
  context: CommandContext,
  { flag, typed }: { readonly flag: string; readonly typed: string },
): Promise<Uint8Array | undefined> {
  if (typed === "-" || typed === "@-") return context.readStdin(bodyBytesMax);
  if (!typed.startsWith("@")) return undefined;
  const file = path.resolve(context.cwd, typed.slice(1));
  return readFile(file).catch((cause: unknown) => {
    throw new CommandFailure(`Cannot read ${file}, which ${flag} names`, { cause });
  });
}

/** The request body that the options give; undefined for none. */
export async function bodyOf(
  context: CommandContext,
  options: BodyOptions,
): Promise<string | Uint8Array | undefined> {
  const { data } = options;
  const json = jsonOf(options);
  if (json !== undefined && data !== undefined) {
    throw new UsageError(`${json.flag} and --data are two bodies; give one of them`);
  }
  if (json !== undefined) {
    const text = textOf(await bytesNamedBy(context, json)) ?? json.typed;
    try {
      JSON.parse(text);
    } catch (cause) {
      throw new UsageError(`The value of ${json.flag} is not JSON: ${String(cause)}`, {
        next: `reactor functions invoke <function> --json '{"name":"Reactor"}'    (single quotes)`,
      });
    }
    return text;
  }
  if (data === undefined) return undefined;
  return (await bytesNamedBy(context, { flag: "--data", typed: data })) ?? data;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString("utf8");
}
