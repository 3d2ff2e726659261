import { stripControls } from "./strip-controls.ts";

interface Failure {
  readonly message: string;
  readonly log: string;
}

/** A frame of the guest, which a worker has as a blob. */
const platformFrame = /^\s+at .*(?:\/runtime\/guest\.\w+|blob:null\/[0-9a-f-]+):\d/;

/**
 * Why a deployment or a draft failed, for a person: the message, then what of its log the message has not said.
 * The platform's own frames of a stack are left out; `functions logs` has them.
 */
export function describeFailure(failure: Failure | null): string {
  const message = stripControls(failure?.message ?? "no reason was recorded").trimEnd();
  const lines = stripControls(failure?.log ?? "").split("\n");
  const said = new Set(message.split("\n").map((line) => line.trim()));
  const news = lines.filter((line) => {
    if (platformFrame.test(line) || said.has(line.trim())) return false;
    const text = line.replace(/^(?:\w*Error|Instance \S+ could not load its module): /, "").trim();
    return text === "" || !message.includes(text);
  });
  const rest = news.join("\n").replace(/^\n+/, "").trimEnd();
  return rest === "" ? message : `${message}\n\n${rest}`;
}
