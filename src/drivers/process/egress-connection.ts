import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";

//  waiting --accept--> relaying --socket closed, cancel or failure--> closed
//  waiting --refuse, cancel--> closed
type State = "waiting" | "relaying" | "closed";

export interface EgressConnectionOptions {
  readonly clock: Clock;
  /** How long the connection may carry nothing in either direction. */
  readonly idleTimeoutMs: number;
  readonly onClosed: () => void;
}

/** After how much silence the system asks the other side whether it is still there. */
const keepAliveMs = 60_000;

/** One connection of a guest to the outside: bytes both ways, each side at the other's pace. */
export class EgressConnection implements StreamListener {
  /** The socket that is trying to connect. */
  attempt: Socket | undefined;
  readonly #stream: WireStream;
  readonly #options: EgressConnectionOptions;
  #state: State = "waiting";
  #socket: Socket | undefined;
  /** What the guest sent before the connection stood; its credit bounds it. */
  #early: Buffer[] = [];
  #earlyEnd = false;
  #heldBytes = 0;
  #idleTimer: Timer | undefined;
  #movedAtMs = 0;

  constructor(stream: WireStream, options: EgressConnectionOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Whether the guest has its answer, or wants none any more. */
  get settled(): boolean {
    return this.#state !== "waiting";
  }

  /** Tells the guest why there is no connection. Does nothing once it has its answer. */
  refuse(code: string, message: string): void {
    if (this.#state !== "waiting") return;
    this.#stream.json(frameType.opened, { error: { code, message } });
    this.#close();
  }

  /** Gives the guest the addresses of a name. */
  answerLookup(addresses: readonly string[]): void {
    if (this.#state !== "waiting") return;
    this.#stream.json(frameType.opened, { addresses });
    this.#close();
  }

  /** Relays between the guest and a connected socket, or drops the socket when it is too late. */
  accept(socket: Socket): void {
    if (this.#state !== "waiting") {
      socket.destroy();
      return;
    }
    this.#state = "relaying";
    this.#socket = socket;
    this.#stream.json(frameType.opened, {});
    socket.setKeepAlive(true, keepAliveMs);
    this.#moved();
    this.#watchIdle(this.#options.idleTimeoutMs);
    socket.on("data", (chunk: Buffer) => {
      this.#moved();
      if (!this.#stream.write(chunk)) socket.pause();
    });
    socket.on("drain", () => this.#release());
    socket.on("end", () => this.#stream.end());
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", () => this.#fail("the connection closed"));
    for (const chunk of this.#early.splice(0)) this.#forward(chunk);
    if (this.#earlyEnd) socket.end();
  }

  /** Ends the connection at once. */
  abort(): void {
    this.#fail("the instance stopped");
  }

  data(chunk: Buffer): void {
    // The chunk is a view into the connection's buffer, and the socket may keep it.
    const copy = Buffer.from(chunk);
    if (this.#state === "relaying") this.#forward(copy);
    else if (this.#state === "waiting") this.#early.push(copy);
  }

  end(): void {
    if (this.#state === "waiting") this.#earlyEnd = true;
    this.#socket?.end();
  }

  cancelled(): void {
    this.#fail("cancelled");
  }

  drained(): void {
    this.#socket?.resume();
  }

  closed(): void {
    this.#close();
  }

  answer(): void {
    throw new WireError("bad_frame", "An egress stream answers nothing");
  }

  #forward(chunk: Buffer): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#moved();
    this.#heldBytes += chunk.length;
    if (socket.write(chunk)) this.#release();
  }

  /** Grants the guest what the socket has taken. */
  #release(): void {
    const bytes = this.#heldBytes;
    this.#heldBytes = 0;
    if (bytes > 0) this.#stream.consumed(bytes);
  }

  #moved(): void {
    this.#movedAtMs = this.#options.clock.monotonicMs();
  }

  /** One timer for the connection, set anew when it fires, not with every chunk. */
  #watchIdle(afterMs: number): void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#idleTimer = clock.after(afterMs, () => {
      const leftMs = this.#movedAtMs + idleTimeoutMs - clock.monotonicMs();
      if (leftMs > 0) this.#watchIdle(leftMs);
      else this.#fail(`nothing was carried for ${idleTimeoutMs} ms`);
    });
  }

  #fail(reason: string): void {
    if (this.#state === "closed") return;
    if (!(this.#stream.localEnded && this.#stream.remoteEnded)) this.#stream.reset(reason);
    this.#close();
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#early = [];
    this.#idleTimer?.cancel();
    this.attempt?.destroy();
    this.#socket?.destroy();
    this.#stream.close();
    this.#options.onClosed();
  }
}
