import type { Readable, Writable } from "node:stream";
import { UsageError } from "./usage-error.ts";

/** Asks on a terminal; what is typed shows as dots. Throws UsageError when it is cancelled or empty. */
export async function askSecret(
  question: string,
  streams: { readonly input: Readable; readonly output: Writable; readonly signal: AbortSignal },
): Promise<string> {
  // Loaded only here: every other command starts faster without it.
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({ message: question, ...streams });
  if (isCancel(answer) || !answer) throw new UsageError("No value was entered");
  return answer;
}
