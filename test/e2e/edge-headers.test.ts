import { afterAll, beforeAll, expect, test } from "bun:test";
import { headerPayloads, splitLines } from "./header-payloads.ts";
import { rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";

/** What a function may say in headers, and what a client may say to it. */
let server: TestServer;

const names = ["x\r\nInjected", "x\nInjected", "x y", "x:", "", "x\0", "ü", "x(y)"] as const;

/** Every way to say a header; each is called with a name and a value that must not get out as they are. */
const ways = {
  "new Response": "new Response('', { headers: { [name]: value } })",
  "an array of pairs": "new Response('', { headers: [[name, value]] })",
  "new Headers": "new Response('', { headers: new Headers({ [name]: value }) })",
  "headers.set": "(() => { const r = new Response(''); r.headers.set(name, value); return r; })()",
  "headers.append":
    "(() => { const r = new Response(''); r.headers.append(name, value); return r; })()",
  "Response.json": "Response.json({}, { headers: { [name]: value } })",
  cookie: "new Response('', { headers: { 'set-cookie': name + '=' + value } })",
  location: "new Response('', { status: 302, headers: { location: '/' + value } })",
  "Response.redirect": "Response.redirect('http://x/' + value)",
  "status text": "new Response('', { statusText: value })",
  "content type": "new Response(new Blob(['x'], { type: value }))",
  "a form's boundary": `(() => { const f = new FormData(); f.append(name, value);
    return new Response(f); })()`,
  "an object that is no Response": "({ status: 200, headers: { [name]: value }, body: '' })",
  "a look-alike of Headers": `(() => { const r = new Response('');
    Object.defineProperty(r, 'headers', { value: new Map([[name, value]]) }); return r; })()`,
  "a look-alike of Headers with entries": `(() => { const r = new Response('');
    Object.defineProperty(r, 'headers', { value: { entries: () => [[name, value]][Symbol.iterator](),
      forEach: (f, self) => f.call(self, value, name), get: () => null, has: () => false,
      [Symbol.iterator]: () => [[name, value]][Symbol.iterator]() } }); return r; })()`,
} as const;

const saying = `const ways = {${Object.entries(ways)
  .map(([what, code]) => `${JSON.stringify(what)}: (name, value) => ${code}`)
  .join(",\n")}};
export default { fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === "/echo") return Response.json([...request.headers]);
  if (url.pathname === "/hops") return new Response("hops", { headers: {
    connection: "x-nominated, close", "x-nominated": "1", "keep-alive": "timeout=99",
    "proxy-authenticate": "Basic", "proxy-connection": "close", te: "trailers", trailer: "x-sum",
    "transfer-encoding": "gzip", upgrade: "h2c", date: "yesterday", "x-request-id": "forged",
    "x-reactor-instance": "forged", "x-reactor-anything": "forged", "content-length": "4",
    "x-own": "kept" } });
  const { way, name, value } = JSON.parse(decodeURIComponent(url.search.slice(1)));
  return ways[way](name, value);
} };`;

beforeAll(async () => {
  server = await startServer();
  // A head that cannot be sent at all ends as a timeout.
  await server.deploy("saying", saying, { limits: { timeout_ms: 300 } });
  await server.deploy("plain", saying);
});

afterAll(async () => {
  await server.stop();
});

/** The raw answers to one request whose function says this header this way. */
async function said(way: string, name: string, value: string): Promise<string> {
  const query = encodeURIComponent(JSON.stringify({ way, name, value }));
  const { answers } = await rawExchange(
    server.port,
    `GET /fn/v1/saying?${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
  );
  expect(answers).toHaveLength(1);
  return answers[0]?.head ?? "";
}

for (const way of Object.keys(ways)) {
  test(`a control character said by ${way} never splits the answer`, async () => {
    for (const [what, value] of Object.entries(headerPayloads)) {
      const head = await said(way, "x-said", value);
      expect({ what, bad: splitLines(head) }).toEqual({ what, bad: [] });
      expect(head).toMatch(/^HTTP\/1\.1 (?:200|302|500|502|504) /);
    }
  });
}

test("a name that is no token never gets out, by any way", async () => {
  for (const way of Object.keys(ways)) {
    for (const name of names) {
      const head = await said(way, name, "value");
      expect({ way, name, bad: splitLines(head) }).toEqual({ way, name, bad: [] });
    }
  }
});

test("a head with a NUL breaks the instance's protocol: it is answered at once, not when its time is up", async () => {
  for (const way of ["a look-alike of Headers", "a look-alike of Headers with entries"]) {
    const head = await said(way, "x-said", "a\0b");
    expect({ way, head: head.slice(0, 12) }).not.toEqual({ way, head: "HTTP/1.1 504" });
  }
});

function headersOf(head: string): ReadonlyMap<string, string> {
  return new Map(
    head
      .split("\r\n")
      .slice(1)
      .map((line) => [
        line.slice(0, line.indexOf(":")).toLowerCase(),
        line.slice(line.indexOf(":") + 1).trim(),
      ]),
  );
}

test("what is between two hops, and what only the platform says, cannot be set by a function", async () => {
  const { answers } = await rawExchange(
    server.port,
    `GET /fn/v1/plain/hops HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n`,
    { answers: 1 },
  );
  const headers = headersOf(answers[0]?.head ?? "");
  expect(answers[0]?.body).toBe("hops");
  expect(headers.get("x-own")).toBe("kept");
  expect(headers.get("content-length")).toBe("4");
  const gone = [
    "x-nominated",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-reactor-anything",
  ];
  expect(gone.filter((name) => headers.has(name))).toEqual([]);
  expect([...headers.values()].filter((value) => value.includes("forged"))).toEqual([]);
  expect(headers.get("date")).not.toBe("yesterday");
  expect(headers.get("connection") ?? "").not.toContain("close");
  expect(headers.get("keep-alive") ?? "").not.toContain("99");
});

test("what is between two hops, and what only the platform says, never reaches a function from a client", async () => {
  const sent = {
    Connection: "x-nominated, keep-alive",
    "X-Nominated": "sent",
    "Keep-Alive": "sent",
    "Proxy-Authorization": "sent",
    "Proxy-Connection": "sent",
    TE: "sent",
    Trailer: "sent",
    "HTTP2-Settings": "sent",
    Forwarded: "for=sent",
    "X-Forwarded-For": "sent",
    "X-Forwarded-Proto": "sent",
    "X-Forwarded-Host": "sent",
    "X-Forwarded-Anything": "sent",
    "X-Reactor-Function": "sent",
    "x-reactor-key": "sent",
    "X-Own": "kept",
  };
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  const { answers } = await rawExchange(
    server.port,
    `GET /fn/v1/plain/echo HTTP/1.1\r\nHost: x\r\n${lines.join("")}\r\n`,
    { answers: 1 },
  );
  const echoed = new Map(JSON.parse(answers[0]?.body ?? "[]") as [string, string][]);
  expect(echoed.get("x-own")).toBe("kept");
  expect([...echoed].filter(([, value]) => value.includes("sent"))).toEqual([]);
});

test("an answer of 101, and one with two lengths, is never passed on", async () => {
  await server.deploy(
    "odd",
    `export default { fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/101") { const r = new Response("x");
        Object.defineProperty(r, "status", { value: 101 }); return r; }
      const headers = new Headers(); headers.append("content-length", "1");
      headers.append("content-length", "2"); return new Response("x", { headers });
    } };`,
  );
  for (const path of ["101", "lengths"]) {
    const { answers } = await rawExchange(
      server.port,
      `GET /fn/v1/odd/${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    );
    expect(answers).toHaveLength(1);
    expect(answers[0]?.status).not.toBe(101);
    expect(answers[0]?.head.match(/\r\ncontent-length:/gi)?.length ?? 0).toBeLessThanOrEqual(1);
    expect(answers[0]?.head).not.toMatch(/content-length: .*,/i);
  }
});
