import type { Socket } from "node:net";
import { WireError } from "../../wire/wire-error.ts";
import type { PodCommand, PodReport, WorkerEnd } from "./pod-messages.ts";

/** Longer lines are no report of a pod. */
const lineBytesMax = 256 * 1024;

export interface PodControlListener {
  report(report: PodReport): void;
  /** It said something that is no report. */
  broken(error: WireError): void;
  closed(): void;
}

/** The host's end of a pod's own connection. What the pod says is parsed, never trusted. */
export class PodControl {
  readonly #socket: Socket;
  readonly #listener: PodControlListener;
  #partial = "";

  constructor(socket: Socket, listener: PodControlListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => this.#hear(text));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => listener.closed());
  }

  send(command: PodCommand): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(command)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    try {
      if (this.#partial.length > lineBytesMax) throw breach("a line without an end");
      for (const line of lines) this.#listener.report(parseReport(line));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#socket.destroy();
      this.#listener.broken(error);
    }
  }
}

function parseReport(line: string): PodReport {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw breach("a line that is no JSON");
  }
  if (typeof value !== "object" || value === null || !("type" in value)) throw breach(line);
  switch (value.type) {
    case "ready":
      return { type: "ready" };
    case "ended":
      if (!("worker" in value) || typeof value.worker !== "number" || !("end" in value)) break;
      return { type: "ended", worker: value.worker, end: parseEnd(value.end) };
    case "memory":
      if (!("workers" in value) || !Array.isArray(value.workers)) break;
      return { type: "memory", workers: value.workers.map(parseSize) };
  }
  throw breach(line);
}

function parseEnd(value: unknown): WorkerEnd {
  if (typeof value === "object" && value !== null) {
    if ("code" in value && typeof value.code === "number") return { code: value.code };
    if ("signal" in value && value.signal === "SIGABRT") return { signal: value.signal };
  }
  throw breach("an end that is none");
}

function parseSize(value: unknown): readonly [worker: number, bytes: number, silent: number] {
  if (Array.isArray(value) && value.length === 3 && value.every(Number.isSafeInteger)) {
    return [Number(value[0]), Number(value[1]), Number(value[2])];
  }
  throw breach("a size that is none");
}

function breach(what: string): WireError {
  return new WireError("bad_frame", `A pod sent ${what.slice(0, 100)}`);
}
