/**
 * Entry of a pod: `deno run pod.js <socketPath> <proxyPort|0>`. Runs no user code itself: it starts
 * a Web Worker for each function instance that the host asks for, with net permission and for its
 * beginning the host's socket, and tells how each ended.
 */
import { deno } from "./deno-api.ts";
import { GuestSocket } from "./guest-socket.ts";
import type { PodCommand, PodReport, WorkerBirth, WorkerEnd } from "./pod-messages.ts";
import { watchWorkerMemory } from "./worker-memory.ts";

/** The worker's own guest, which `buildPodGuest` puts in place of this name. */
declare const workerGuestSource: string;

const podExit: (code: number) => never = deno.exit.bind(deno);

class PodGuest {
  readonly #socketPath: string;
  readonly #hasEgress: boolean;
  readonly #host = new GuestSocket();
  readonly #workers = new Map<number, Worker>();
  readonly #guestUrl = URL.createObjectURL(
    new Blob([workerGuestSource], { type: "text/javascript" }),
  );
  readonly #memory = watchWorkerMemory((workers) => this.#report({ type: "memory", workers }));
  #line = "";

  constructor(options: { readonly socketPath: string; readonly hasEgress: boolean }) {
    this.#socketPath = options.socketPath;
    this.#hasEgress = options.hasEgress;
  }

  async run(): Promise<void> {
    const connection = await deno.connect({ transport: "unix", path: this.#socketPath });
    this.#host.attach(connection, {
      data: (chunk) => this.#hear(chunk.toString("utf8")),
      end: () => podExit(0),
      closed: () => podExit(0),
    });
    this.#report({ type: "ready" });
  }

  #hear(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#obey(JSON.parse(line));
  }

  #obey(command: PodCommand): void {
    if (command.type === "start") this.#start(command.worker, command.token);
    else this.#end(command.worker);
  }

  #start(id: number, token: string): void {
    const birth: WorkerBirth = {
      socketPath: this.#socketPath,
      token,
      hasEgress: this.#hasEgress,
    };
    const worker = new Worker(this.#guestUrl, {
      type: "module",
      name: JSON.stringify(birth),
      ...workerPermissions(this.#socketPath),
    });
    this.#workers.set(id, worker);
    worker.postMessage(this.#memory.add(id), []);
    worker.addEventListener("message", ({ data }) => {
      const end = workerEndOf(data);
      if (end !== undefined) this.#ended(id, end);
    });
    worker.addEventListener("error", (event) => {
      // It got past the worker's own handlers, which answer for what nobody caught.
      event.preventDefault();
      this.#ended(id, { code: 70 });
    });
  }

  /** A worker that was told to end is forgotten at once: the host asks no more about it. */
  #end(id: number): void {
    this.#workers.get(id)?.terminate();
    this.#workers.delete(id);
    this.#memory.remove(id);
  }

  #ended(id: number, end: WorkerEnd): void {
    if (!this.#workers.has(id)) return;
    this.#end(id);
    this.#report({ type: "ended", worker: id, end });
  }

  #report(report: PodReport): void {
    this.#host.write(Buffer.from(`${JSON.stringify(report)}\n`));
  }
}

/** Net and nothing else; the host's socket until the worker has given it back. */
function workerPermissions(socketPath: string): object {
  const permissions = { net: true, read: [socketPath], write: [socketPath] };
  const denied = { env: false, run: false, ffi: false, sys: false, import: false };
  return { deno: { permissions: { ...permissions, ...denied } } };
}

/** What a worker says of its end; user code may say anything. */
function workerEndOf(data: unknown): WorkerEnd | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  if ("code" in data && Number.isInteger(data.code)) return { code: Number(data.code) & 0xff };
  if ("signal" in data && data.signal === "SIGABRT") return { signal: "SIGABRT" };
  return undefined;
}

/**
 * Takes the port that the process's proxy variables name and hangs up on everyone: each worker has a
 * way out of its own, and no worker may pose as the way out of the others.
 */
async function occupyProxyPort(port: number): Promise<void> {
  const listener = deno.listen({ hostname: "127.0.0.1", port });
  for (;;) (await listener.accept()).close();
}

const [socketPath = "", proxyPort = ""] = process.argv.slice(2);
if (proxyPort !== "0") void occupyProxyPort(Number(proxyPort));
await new PodGuest({ socketPath, hasEgress: proxyPort !== "0" }).run();
