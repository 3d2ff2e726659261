interface Report {
  readonly n: number;
  readonly sink: string;
  /** Attempts that fail after they were reported. */
  readonly failures: number;
}

interface Context {
  readonly invocationId: string;
  readonly attempt: number;
}

/** Tells a sink outside of the server that it ran, then answers or fails as it was asked to. */
export default async function report(request: Request, ctx: Context): Promise<Response> {
  const { n, sink, failures } = (await request.json()) as Report;
  const { invocationId: id, attempt } = ctx;
  // A connection of its own: one that was kept may be closed at the moment it is used again.
  const headers = { connection: "close" };
  const body = JSON.stringify({ n, id, attempt });
  const told = await fetch(sink, { method: "POST", headers, body, keepalive: false });
  if (!told.ok) throw new Error(`The sink answered ${told.status}`);
  if (attempt <= failures) throw new Error(`attempt ${attempt} of ${n} fails`);
  return Response.json({ n, attempt });
}
