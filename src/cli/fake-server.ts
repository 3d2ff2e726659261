/** A stand-in for the server: answers by `METHOD /path` and records what it was asked. */
export interface FakeServer {
  readonly requests: readonly {
    readonly line: string;
    readonly headers: Headers;
    readonly body: Buffer;
  }[];
  readonly fetch: (request: Request) => Promise<Response>;
}

/** A server that knows these routes; any other one answers with the 404 envelope. */
export function createFakeServer(
  routes: Readonly<Record<string, (request: Request) => Response>>,
): FakeServer {
  const requests: { line: string; headers: Headers; body: Buffer }[] = [];
  return {
    requests,
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const line = `${request.method} ${pathname}`;
      const { headers } = request;
      requests.push({
        line: line + search,
        headers,
        body: Buffer.from(await request.arrayBuffer()),
      });
      return routes[line]?.(request) ?? errorResponse(404, "route_not_found", `no ${line}`);
    },
  };
}

export function errorResponse(
  status: number,
  code: string,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Response {
  const error = { code, message, status, request_id: "req_test", details };
  return Response.json({ error }, { status, headers: { "x-request-id": "req_test" } });
}
