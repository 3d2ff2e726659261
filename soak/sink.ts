/** One run of an invocation, as it was told from inside the function. */
export interface ToldRun {
  readonly n: number;
  readonly id: string;
  readonly attempt: number;
  readonly atMs: number;
}

/** Records outside of the server what ran: it lives on while servers are killed. */
export interface Sink {
  readonly url: string;
  readonly port: number;
  /** In the order in which they came. */
  readonly runs: readonly ToldRun[];
  stop(): Promise<void>;
}

export function startSink(): Sink {
  const runs: ToldRun[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const run = (await request.json()) as Omit<ToldRun, "atMs">;
      runs.push({ ...run, atMs: performance.now() });
      return new Response("noted");
    },
  });
  const port = server.port ?? 0;
  return { url: `http://127.0.0.1:${port}/`, port, runs, stop: () => server.stop(true) };
}
