import type { Socket } from "node:net";
import { createDeferred } from "../../base/deferred.ts";

/** A line of the agent at most; a longer one is no line. */
const lineBytesMax = 4096;
/** The runtime had closed its connection when the agent ended it. */
const hungUpLine = "closed";
/** Numbers of the signals by which a runtime ends, as Linux has them on every machine that boots here. */
const signalNames: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** How the runtime inside a machine ended, as its agent says. */
export type RuntimeEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string; readonly outOfMemory: boolean }
  /** It closed its connection, did not end by itself and was killed. */
  | { readonly kind: "hung up" }
  /** It could not be started, or the agent itself broke. */
  | { readonly kind: "failed"; readonly message: string };

interface PendingCommand {
  readonly name: string;
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The host's end of a machine's control port: commands as lines, each answered in order by `ok` or
 * `error <why>`, and one line unasked when the runtime has ended. The machine is hostile once it has
 * had a function, so whatever else it says ends the port.
 */
export class ControlPort {
  /** Resolves when the runtime has ended; never rejects, and never settles when the machine dies first. */
  readonly runtimeEnd: Promise<RuntimeEnd>;
  /** Resolves when nothing more can come of it. */
  readonly closed: Promise<void>;
  readonly #end = createDeferred<RuntimeEnd>();
  readonly #gone = createDeferred<void>();
  readonly #socket: Socket;
  readonly #pending: PendingCommand[] = [];
  /** What it may yet say of itself, each once. */
  readonly #unasked = new Set(["hello 1", hungUpLine]);
  #text = "";
  #hasEnded = false;
  #fault: Error | undefined;

  constructor(socket: Socket) {
    this.runtimeEnd = this.#end.promise;
    this.closed = this.#gone.promise;
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    // An error is always followed by `close`, where it counts.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#close(new Error("the machine closed its control port")));
    // It was accepted paused, so that nothing of it was lost until now.
    socket.resume();
  }

  /** Sends a command. Rejects with what the agent says is wrong, or when the port is gone. */
  send(name: string, ...words: readonly string[]): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(refused(name, this.#fault.message));
    this.#socket.write(`${[name, ...words].join(" ")}\n`);
    return new Promise((resolve, reject) => this.#pending.push({ name, resolve, reject }));
  }

  #receive(text: string): void {
    this.#text += text;
    for (let at = this.#text.indexOf("\n"); at !== -1; at = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, at);
      this.#text = this.#text.slice(at + 1);
      if (!this.#take(line)) {
        this.#breach(line);
        return;
      }
    }
    if (this.#text.length > lineBytesMax) this.#breach(this.#text);
  }

  /** Whether the line is one that may come now. */
  #take(line: string): boolean {
    if (this.#unasked.has(line)) return this.#unasked.delete(line);
    const end = parseEnd(line);
    if (end !== undefined) {
      if (this.#hasEnded) return false;
      this.#hasEnded = true;
      const wasKilled = end.kind === "signal" && end.signal === "SIGKILL" && !end.outOfMemory;
      const hungUp = !this.#unasked.has(hungUpLine);
      this.#end.resolve(hungUp && wasKilled ? { kind: "hung up" } : end);
      return true;
    }
    const isError = line.startsWith("error ");
    if (line !== "ok" && !isError) return false;
    const command = this.#pending.shift();
    if (command === undefined) return false;
    if (isError) command.reject(refused(command.name, line.slice("error ".length)));
    else command.resolve();
    return true;
  }

  #breach(line: string): void {
    const shown = JSON.stringify(line.slice(0, 80));
    this.#close(new Error(`its agent said ${shown} on the control port`));
    this.#socket.destroy();
  }

  #close(error: Error): void {
    this.#fault ??= error;
    this.#text = "";
    this.#gone.resolve();
    for (const each of this.#pending.splice(0)) each.reject(refused(each.name, error.message));
  }
}

function refused(command: string, why: string): Error {
  return new Error(`The machine did not take "${command}": ${why.slice(0, 200)}`);
}

function parseEnd(line: string): RuntimeEnd | undefined {
  const [, code] = /^exit code (\d{1,3})$/.exec(line) ?? [];
  if (code !== undefined) return { kind: "exited", code: Number(code) };
  const [, signal, oom] = /^exit signal (\d{1,2})( oom)?$/.exec(line) ?? [];
  if (signal !== undefined) {
    const name = signalNames[Number(signal)] ?? `signal ${signal}`;
    return { kind: "signal", signal: name, outOfMemory: oom !== undefined };
  }
  const [, why] = /^exit failed (.{1,1000})$/.exec(line) ?? [];
  return why === undefined ? undefined : { kind: "failed", message: why };
}
