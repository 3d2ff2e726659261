/** One run of an invocation, as it was told from inside the function. */
export interface ToldRun {
  readonly n: number;
  readonly id: string;
  readonly attempt: number;
  readonly atMs: number;
}

/** An event, as it was told from inside the function that heard it. */
export interface ToldEvent {
  readonly event: string;
  /** The dead invocation. */
  readonly about: string;
}

/** Records outside of the server what ran: it lives on while servers are killed. */
export interface Sink {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly runs: readonly ToldRun[];
  readonly events: readonly ToldEvent[];
  stop(): Promise<void>;
}

export function startSink(): Sink {
  const runs: ToldRun[] = [];
  const events: ToldEvent[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const told = (await request.json()) as Omit<ToldRun, "atMs"> | ToldEvent;
      if ("event" in told) events.push(told);
      else runs.push({ ...told, atMs: performance.now() });
      return new Response("noted");
    },
  });
  const port = server.port ?? 0;
  return { url: `http://127.0.0.1:${port}/`, port, runs, events, stop: () => server.stop(true) };
}
