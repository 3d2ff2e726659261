import { join } from "node:path";

export interface LoadOrder {
  /** TCP port on loopback. */
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  /** Pause of each connection between an answer and its next request. */
  readonly pauseMs: number;
}

export interface LoadAnswer {
  /** When the request was sent, as `sharedNowMs`. */
  readonly startedAtMs: number;
  /** 0 when the connection broke. */
  readonly status: number;
  readonly body: string;
}

/** A steady load on one address from a process of its own. */
export interface SteadyLoad {
  /** Ends the load and resolves with every answer it got. */
  stop(): Promise<readonly LoadAnswer[]>;
}

/** A time that processes of this machine have in common, in milliseconds. */
export function sharedNowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Starts the load and resolves once the first answers are there. */
export async function startSteadyLoad(order: LoadOrder): Promise<SteadyLoad> {
  const program = join(import.meta.dirname, "steady-load-generator.ts");
  const child = Bun.spawn([process.execPath, program, JSON.stringify(order)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const running = Promise.withResolvers<void>();
  const output = readAll(child.stdout, () => running.resolve());
  void child.exited.then((code) => running.reject(new Error(`The load exited with ${code}`)));
  await running.promise;
  return {
    async stop() {
      await child.stdin.end();
      const text = await output;
      await child.exited;
      return JSON.parse(text.slice(text.indexOf("\n")));
    },
  };
}

async function readAll(stream: ReadableStream<Uint8Array>, onFirst: () => void): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    onFirst();
  }
  return text;
}
