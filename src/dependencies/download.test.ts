import { afterAll, expect, test } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { systemClock } from "../base/clock.ts";
import { createEgressDecider } from "../domain/egress-decision.ts";
import { ReactorError } from "../domain/errors.ts";
import { testIdentities } from "../http/test-identities.harness.ts";
import { createDownload, type Download } from "./download.ts";

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const servers: Server[] = [];

afterAll(() => {
  for (const server of servers) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function serve(handler: Handler): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}`;
}

interface Options {
  readonly open?: readonly string[];
  readonly idleTimeoutMs?: number;
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

function downloadThrough({ open = [], idleTimeoutMs = 10_000, resolve }: Options): Download {
  return createDownload({
    decide: createEgressDecider({
      privateAllow: open.map((url) => new URL(url).host),
      denied: () => [],
      own: () => [],
      resolve: resolve ?? (async () => []),
    }),
    clock: systemClock,
    idleTimeoutMs,
    retryDelaysMs: [1, 1],
  });
}

const signal = new AbortController().signal;
const wanted = { what: "a@1.0.0", bytesMax: 1000 };

async function outcome(promise: Promise<Uint8Array>): Promise<string | ReactorError> {
  try {
    return Buffer.from(await promise).toString();
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
}

test("gives the body, and asks for it without credentials or compression", async () => {
  const heads: IncomingMessage["headers"][] = [];
  const url = await serve((request, response) => {
    heads.push(request.headers);
    response.end("content");
  });
  expect(await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal))).toBe(
    "content",
  );
  expect(heads[0]).toMatchObject({ host: new URL(url).host, "accept-encoding": "identity" });
  expect(heads[0]?.authorization).toBeUndefined();
});

test("tries again while the server is overloaded, at most twice", async () => {
  let asked = 0;
  const url = await serve((_request, response) => {
    asked += 1;
    response.statusCode = 503;
    response.end();
  });
  const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
  expect(refused).toMatchObject({ code: "dependencies_unavailable", retryAfterSecs: 10 });
  expect(String(refused)).toContain("a@1.0.0 cannot be fetched");
  expect(String(refused)).toContain("it answered 503");
  expect(asked).toBe(3);
});

test("a package that is not there is not asked for again", async () => {
  let asked = 0;
  const url = await serve((_request, response) => {
    asked += 1;
    response.statusCode = 404;
    response.end();
  });
  const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
  expect(String(refused)).toContain("it answered 404");
  expect(asked).toBe(1);
});

test("a server that is down is a typed error that names it", async () => {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const url = `http://127.0.0.1:${port}/a.tgz?token=hidden`;
  const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
  expect(refused).toMatchObject({ code: "dependencies_unavailable" });
  expect(String(refused)).toContain(`http://127.0.0.1:${port}/a.tgz: `);
  expect(String(refused)).not.toContain("hidden");
});

test("a name that nobody knows is a typed error", async () => {
  const download = downloadThrough({
    resolve: async () => {
      throw new Error("getaddrinfo ENOTFOUND");
    },
  });
  const refused = await outcome(download({ ...wanted, url: "https://nowhere.example/a" }, signal));
  expect(refused).toMatchObject({ code: "dependencies_unavailable" });
  expect(String(refused)).toContain("nowhere.example: getaddrinfo ENOTFOUND");
});

test.each(["before the head", "in the middle of the body"])(
  "a server that falls silent %s is given up",
  async (when) => {
    const url = await serve((_request, response) => {
      if (when === "before the head") return;
      response.writeHead(200, { "content-length": "100" });
      response.write("some");
    });
    const download = downloadThrough({ open: [url], idleTimeoutMs: 20 });
    const refused = await outcome(download({ ...wanted, url }, signal));
    expect(refused).toMatchObject({ code: "dependencies_unavailable" });
    expect(String(refused)).toContain("it was silent for 20 ms");
  },
);

test("a connection that ends in the middle of the body is no whole answer", async () => {
  const url = await serve((_request, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("some", () => response.destroy());
  });
  const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
  expect(refused).toMatchObject({ code: "dependencies_unavailable" });
});

test.each(["says so first", "does not say so"])(
  "a body over the bound that %s is cut",
  async (how) => {
    let sent = 0;
    const url = await serve((_request, response) => {
      if (how === "says so first") response.writeHead(200, { "content-length": "1000000" });
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(500))) sent += 500;
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
    expect(refused).toMatchObject({ code: "bundle_too_large" });
    expect(String(refused)).toContain("a@1.0.0 has more than 1000 bytes");
    expect(sent).toBeLessThan(50_000_000);
  },
);

test("follows redirects, and decides about each anew", async () => {
  const inner = await serve((_request, response) => response.end("secret"));
  const outer = await serve((request, response) => {
    const to = request.url === "/inner" ? `${inner}/` : "/end";
    if (request.url === "/end") response.end("end");
    else response.writeHead(302, { location: to }).end();
  });
  const download = downloadThrough({ open: [outer] });
  expect(await outcome(download({ ...wanted, url: `${outer}/start` }, signal))).toBe("end");
  const refused = await outcome(download({ ...wanted, url: `${outer}/inner` }, signal));
  expect(refused).toMatchObject({ code: "egress_denied" });
  expect(String(refused)).toContain("a loopback address");
});

test("a circle of redirects ends", async () => {
  let asked = 0;
  const url = await serve((_request, response) => {
    asked += 1;
    response.writeHead(301, { location: "/again" }).end();
  });
  const refused = await outcome(downloadThrough({ open: [url] })({ ...wanted, url }, signal));
  expect(String(refused)).toContain("more than 5 redirects");
  expect(asked).toBe(6);
});

test.each(["ftp://a.example/x", "file:///etc/passwd", "http://u:p@a.example/x", "nonsense"])(
  "%s is no URL to fetch",
  async (url) => {
    const refused = await outcome(downloadThrough({})({ ...wanted, url }, signal));
    expect(refused).toMatchObject({ code: "dependencies_unavailable" });
  },
);

test("a certificate that nobody vouches for is refused, by name and by address", async () => {
  const { cert, key } = testIdentities[0];
  let asked = 0;
  const port = await listen(
    createTlsServer({ cert, key }, (_request, response) => {
      asked += 1;
      response.end("content");
    }),
  );
  const open = [`https://localhost:${port}`, `https://127.0.0.1:${port}`];
  const download = downloadThrough({ open, resolve: async () => ["127.0.0.1"] });
  for (const url of open) {
    const refused = await outcome(download({ ...wanted, url }, signal));
    expect(refused).toMatchObject({ code: "dependencies_unavailable" });
    expect(String(refused)).toMatch(/self.signed certificate/);
  }
  expect(asked).toBe(0);
});

test("an abort ends the connection and rejects with its reason", async () => {
  const stop = new AbortController();
  const closed = Promise.withResolvers<void>();
  const url = await serve((request) => {
    request.socket.on("close", () => closed.resolve());
    stop.abort(new Error("enough"));
  });
  const download = downloadThrough({ open: [url] });
  const given = await download({ ...wanted, url }, stop.signal).catch((error: unknown) => error);
  expect(String(given)).toContain("enough");
  await closed.promise;
});
