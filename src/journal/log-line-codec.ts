import { type LogLevel, logLevels } from "../base/log.ts";
import type { LogLine, StoredLogLine } from "../domain/invocation.ts";
import { isRecord, parseLine } from "./parse-line.ts";
import { quote } from "./quote.ts";

const sources = ["log", "stdout", "stderr", "platform"] as const;

/** One line of a log segment, with its line break. `seq` comes first, so that it is found quickly. */
export function encodeLogLine(line: LogLine, seq: number): string {
  const invocation = line.invocationId === undefined ? "" : `,"inv":${quote(line.invocationId)}`;
  const request = line.requestId === undefined ? "" : `,"req":${quote(line.requestId)}`;
  return `{"seq":${seq},"at":${line.atMs},"fn":${quote(line.functionId)},"dep":${quote(line.deploymentId)},"level":"${line.level}","src":"${line.source}"${invocation}${request},"msg":${JSON.stringify(line.message)}}\n`;
}

/** The part of a log line that names its function; no message can contain it unescaped. */
export function functionNeedle(functionId: string): Buffer {
  return Buffer.from(`"fn":${quote(functionId)}`);
}

/** The sequence number of an encoded line, without parsing the rest; NaN when it is damaged. */
export function seqOfEncoded(text: string): number {
  return text.startsWith(seqPrefix) ? Number.parseInt(text.slice(seqPrefix.length, 24), 10) : NaN;
}

const seqPrefix = '{"seq":';

/** Reads a line back; undefined when it is damaged. */
export function decodeLogLine(text: string): StoredLogLine | undefined {
  const line = parseLine(text);
  if (!isRecord(line)) return undefined;
  const { seq, at, fn, dep, level, src, inv, req, msg } = line;
  const knownLevel = logLevels.find((known: LogLevel) => known === level);
  const source = sources.find((known) => known === src);
  if (knownLevel === undefined || source === undefined) return undefined;
  if (typeof seq !== "number" || typeof at !== "number") return undefined;
  if (typeof fn !== "string" || typeof dep !== "string" || typeof msg !== "string")
    return undefined;
  return {
    seq,
    atMs: at,
    level: knownLevel,
    source,
    functionId: fn,
    deploymentId: dep,
    invocationId: typeof inv === "string" ? inv : undefined,
    requestId: typeof req === "string" ? req : undefined,
    message: msg,
  };
}
