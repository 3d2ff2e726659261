import { ReactorError } from "../domain/errors.ts";
import { parseJsonText } from "../drivers/guest/json-text.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });
const nothing = Buffer.from("{}");

/**
 * The JSON that a worker's handler receives: the body as it came, `{}` when there is none, or why it
 * is refused. What the guest would not take as JSON would reach the handler as something else.
 */
export function workerBody(body: Buffer | undefined): Buffer | ReactorError {
  if (body === undefined || body.length === 0) return nothing;
  let text: string;
  try {
    text = decoder.decode(body);
  } catch (cause) {
    return invalid("it is not valid UTF-8", cause);
  }
  const parsed = parseJsonText(text);
  return parsed.ok ? body : invalid(`it is not valid JSON: ${parsed.reason}`);
}

function invalid(why: string, cause?: unknown): ReactorError {
  return new ReactorError("invalid_request", `Cannot read the request body: ${why}`, { cause });
}
