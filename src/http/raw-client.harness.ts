import { connect, type Socket } from "node:net";

/** A TCP client that shows bytes as they are. */
export class RawClient {
  text = "";
  bytes = 0;
  /** Resolves when the connection is gone, however it went. */
  readonly closed: Promise<void>;
  readonly socket: Socket;
  #waiting: (() => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      if (this.text.length < 1_000_000) this.text += chunk.toString("latin1");
      for (const wake of this.#waiting.splice(0)) wake();
    });
    // A reset shows as the end of the connection.
    socket.on("error", () => socket.destroy());
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        resolve();
        for (const wake of this.#waiting.splice(0)) wake();
      });
    });
  }

  static connect(port: number): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new RawClient(socket)));
      socket.once("error", reject);
    });
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Resolves once the text received holds `part`; rejects when the connection ends without it. */
  async until(part: string): Promise<void> {
    while (!this.text.includes(part)) {
      if (this.socket.destroyed)
        throw new Error(`closed before ${JSON.stringify(part)}: ${this.text}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}
