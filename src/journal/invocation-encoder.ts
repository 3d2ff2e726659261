import type { InvocationRecord } from "../domain/invocation.ts";
import type { Allotment } from "../domain/usage.ts";
import { quote } from "./quote.ts";

/** Room for everything of a line but its texts. */
const fixedBytesMax = 512;
/** The most bytes that one UTF-16 unit becomes in JSON: `\u0000`. */
const escapedBytesMax = 6;
const cachedPartsMax = 1_000;
const zero = 0x30;
const doubleQuote = 0x22;
const point = 0x2e;

const idPart = Buffer.from('{"id":');
const requestPart = Buffer.from(',"req":');
const durationPart = Buffer.from(',"ms":');
const runPart = Buffer.from(',"run":');
const bytesOutPart = Buffer.from(',"out":');
const endPart = Buffer.from("}\n");

/** A part of the line that many records share, and what they have to have in common for it. */
interface DeploymentPart {
  readonly functionId: string;
  readonly deploymentId: string;
  readonly revision: number;
  readonly method: string;
  readonly allotment: Allotment | undefined;
  readonly bytes: Buffer;
}

interface OutcomePart {
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly cold: boolean;
  readonly bytes: Buffer;
}

/**
 * Encodes invocation records, one line of JSON each, straight into a buffer. Byte by byte, since
 * joining the two dozen pieces of a line as text costs four times as much, and this runs for every
 * invocation; what records have in common is encoded once.
 */
export class InvocationEncoder {
  readonly #deployments = new Map<string, DeploymentPart>();
  #deployment: DeploymentPart | undefined;
  #outcome: OutcomePart | undefined;
  #bytes: Buffer = idPart;
  #at = 0;

  /** The most bytes that the record's line may need. */
  static bytesMax(record: InvocationRecord): number {
    const { id, requestId, functionId, deploymentId, method, errorCode } = record;
    const texts =
      id.length + requestId.length + functionId.length + deploymentId.length + method.length;
    return fixedBytesMax + (texts + (errorCode?.length ?? 0)) * escapedBytesMax;
  }

  /** Writes the line, with its line break, from `at`; returns where it ends. */
  encode(record: InvocationRecord, into: Buffer, at: number): number {
    this.#bytes = into;
    this.#at = at;
    this.#copy(idPart);
    this.#text(record.id);
    this.#copy(requestPart);
    this.#text(record.requestId);
    this.#copy(this.#deploymentPart(record).bytes);
    this.#number(record.startedAtMs);
    this.#copy(durationPart);
    this.#milliseconds(record.durationMs);
    if (record.runMs !== undefined) {
      this.#copy(runPart);
      this.#milliseconds(record.runMs);
    }
    this.#copy(this.#outcomePart(record).bytes);
    this.#number(record.bytesIn);
    this.#copy(bytesOutPart);
    this.#number(record.bytesOut);
    this.#copy(endPart);
    return this.#at;
  }

  #copy(part: Buffer): void {
    this.#bytes.set(part, this.#at);
    this.#at += part.length;
  }

  /** A string as JSON; the ids that it mostly is need no escape. */
  #text(text: string): void {
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = doubleQuote;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code < 0x20 || code > 0x7e || code === doubleQuote || code === 0x5c) {
        this.#at += bytes.write(JSON.stringify(text), this.#at);
        return;
      }
      bytes[at++] = code;
    }
    bytes[at++] = doubleQuote;
    this.#at = at;
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) this.#digits(value);
    else this.#at += this.#bytes.write(String(value), this.#at, "latin1");
  }

  #digits(value: number): void {
    const bytes = this.#bytes;
    let length = 1;
    for (let bound = 10; value >= bound; bound *= 10) length += 1;
    const end = this.#at + length;
    let rest = value;
    for (let at = end - 1; at >= this.#at; at--) {
      const tens = Math.floor(rest / 10);
      bytes[at] = zero + rest - tens * 10;
      rest = tens;
    }
    this.#at = end;
  }

  /** Microseconds are all a duration means; sixteen digits would be a fifth of the line. */
  #milliseconds(durationMs: number): void {
    const us = Math.round(durationMs * 1000);
    const whole = Math.floor(us / 1000);
    this.#number(us < 0 ? us / 1000 : whole);
    const rest = us - whole * 1000;
    if (us < 0 || rest === 0) return;
    const bytes = this.#bytes;
    bytes[this.#at++] = point;
    bytes[this.#at++] = zero + Math.floor(rest / 100);
    bytes[this.#at++] = zero + (Math.floor(rest / 10) % 10);
    bytes[this.#at++] = zero + (rest % 10);
  }

  #deploymentPart(record: InvocationRecord): DeploymentPart {
    if (this.#deployment !== undefined && isOf(this.#deployment, record)) return this.#deployment;
    const { functionId, deploymentId, revision, method, allotment } = record;
    const given = allotment && `,"mem":${allotment.memoryMb},"cpu":${allotment.vcpu}`;
    const key = `${deploymentId} ${method}${given}`;
    const known = this.#deployments.get(key);
    if (known !== undefined && isOf(known, record)) {
      this.#deployment = known;
      return known;
    }
    if (this.#deployments.size >= cachedPartsMax) this.#deployments.clear();
    const text = `,"fn":${quote(functionId)},"dep":${quote(deploymentId)},"rev":${revision},"method":${quote(method)}${given ?? ""},"at":`;
    const ids = { functionId, deploymentId, revision, method, allotment };
    const part = { ...ids, bytes: Buffer.from(text) };
    this.#deployments.set(key, part);
    this.#deployment = part;
    return part;
  }

  #outcomePart({ status, errorCode, cold }: InvocationRecord): OutcomePart {
    const known = this.#outcome;
    if (known?.status === status && known.errorCode === errorCode && known.cold === cold) {
      return known;
    }
    const error = errorCode === undefined ? "" : `,"err":${quote(errorCode)}`;
    const text = `,"status":${status}${error},"cold":${cold},"in":`;
    this.#outcome = { status, errorCode, cold, bytes: Buffer.from(text) };
    return this.#outcome;
  }
}

function isOf(part: DeploymentPart, record: InvocationRecord): boolean {
  return (
    part.deploymentId === record.deploymentId &&
    part.functionId === record.functionId &&
    part.revision === record.revision &&
    part.method === record.method &&
    part.allotment?.memoryMb === record.allotment?.memoryMb &&
    part.allotment?.vcpu === record.allotment?.vcpu
  );
}
