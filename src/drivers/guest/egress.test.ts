import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import net from "node:net";
import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { GuestHarness } from "./guest.harness.ts";
import type { OpenMessage } from "./messages.ts";

// A certificate of its own for origin.test, valid for a hundred years; it protects nothing.
const key = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE86t63/SCJwwQMyd
7uXz3YzxGu8txmD10idzFlQgrVyhRANCAARDx/EKZ0JjcYBXNPZtcOAaTxv8HqFd
cyrjYgWZiV8qvL2nrztI4ldXqcrDhwt30YSc4L+c0utTuvAAGp3xs6/h
-----END PRIVATE KEY-----`;
const cert = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIURHliIH9WsdIZBpaM8qmsbKszr3owCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLb3JpZ2luLnRlc3QwIBcNMjYxMTIxMDE1MTU3WhgPMjEyNjEw
MjgwMTUxNTdaMBYxFDASBgNVBAMMC29yaWdpbi50ZXN0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEQ8fxCmdCY3GAVzT2bXDgGk8b/B6hXXMq42IFmYlfKry9p687
SOJXV6nKw4cLd9GEnOC/nNLrU7rwABqd8bOv4aNrMGkwHQYDVR0OBBYEFKxLzLsX
pDbp7vImP0rFfZ85388gMB8GA1UdIwQYMBaAFKxLzLsXpDbp7vImP0rFfZ85388g
MA8GA1UdEwEB/wQFMAMBAf8wFgYDVR0RBA8wDYILb3JpZ2luLnRlc3QwCgYIKoZI
zj0EAwIDSAAwRQIgNy74qwzvLoJEzJyW/IrdSqV58RNo84xFSlq6vXGpjw4CIQCC
1XiVQpUu9q9WNw018vPv6XuHs6oNUQo+NoPIztnnZg==
-----END CERTIFICATE-----`;

const code = `
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
const ca = ${JSON.stringify(cert)};
const get = (module, url, options = {}) => new Promise((resolve) => {
  const request = module.request(url, options, (response) => {
    let text = "";
    response.on("data", (chunk) => { text += chunk; });
    response.on("end", () => resolve(Response.json([response.statusCode, text])));
  });
  request.on("error", (error) => resolve(Response.json(["error", error.code, error.message])));
  request.end(options.body);
});
const raw = (open) => new Promise((resolve) => {
  let text = "";
  const socket = open();
  socket.on("data", (chunk) => { text += chunk; });
  socket.on("end", () => resolve(Response.json(text)));
  socket.on("error", (error) => resolve(Response.json(["error", error.code, error.message])));
});
const cases = {
  fetch: async (url) => { const response = await fetch(url, { tls: { ca } }); return Response.json([response.status, await response.text()]); },
  fetchError: async (url) => { try { const response = await fetch(url, { tls: { ca } }); return Response.json([response.status]); } catch (error) { return Response.json(["error", error.code, error.message]); } },
  post: async (url) => { const response = await fetch(url, { method: "POST", body: "x".repeat(3_000_000) }); return Response.json([response.status, await response.text()]); },
  pass: (url) => fetch(url),
  passAgain: async (url) => { const response = await fetch(url); return new Response(response.body, response); },
  passPacked: (url) => fetch(url, { decompress: false }),
  many: async (url) => { const texts = await Promise.all(Array.from({ length: 50 }, async (_, i) => (await fetch(url + i)).text())); return Response.json(texts); },
  http: (url) => get(http, url),
  httpPost: (url) => get(http, url, { method: "POST", body: "y".repeat(300_000) }),
  https: (url) => get(https, url, { ca }),
  proxy: (url) => raw(() => { const { hostname, port } = new URL(process.env.HTTP_PROXY); const socket = net.connect(Number(port), hostname); socket.write("GET " + url + " HTTP/1.1\\r\\n\\r\\n"); return socket; }),
  net: (url) => raw(() => { const { hostname, port } = new URL(url); const socket = net.connect(Number(port), hostname); socket.end("hello\\n"); return socket; }),
  tls: (url) => raw(() => { const { hostname, port } = new URL(url); const socket = tls.connect({ host: hostname, port: Number(port), ca }); socket.write("GET /tls HTTP/1.1\\r\\nhost: origin.test\\r\\nconnection: close\\r\\n\\r\\n"); return socket; }),
};
export default (request, ctx) => { const url = new URL(request.url).searchParams.get("to"); return cases[request.headers.get("x-case")](url); };
`.replace("${JSON.stringify(cert)}", JSON.stringify(cert));

let guest: GuestHarness;
let plain: Bun.Server<undefined>;
let secure: Bun.Server<undefined>;
let echo: net.Server;
let echoPort = 0;
const opened: string[] = [];
const seen: { url: string; headers: string[] }[] = [];

/** The host's egress relay as far as these tests need it: `*.test` is the loopback, the rest is denied. */
function relay(stream: WireStream, { host, port }: OpenMessage): StreamListener {
  opened.push(`${host}:${port}`);
  const socket = new net.Socket();
  const refuse = (errorCode: string, message: string): void => {
    stream.json(frameType.opened, { error: { code: errorCode, message } });
    stream.close();
  };
  if (!host.endsWith(".test")) refuse("egress_denied", `Egress to ${host} is denied`);
  else {
    socket.connect(port ?? 0, "127.0.0.1");
    socket.on("connect", () => stream.json(frameType.opened, {}));
    socket.on("error", (error) => refuse("connect_failed", error.message));
    socket.on("data", (chunk) => void (stream.write(chunk) || socket.pause()));
    socket.on("end", () => stream.end());
  }
  return {
    data: (chunk) => void socket.write(Buffer.from(chunk), () => stream.consumed(chunk.length)),
    end: () => void socket.end(),
    cancelled() {
      stream.close();
      socket.destroy();
    },
    drained: () => void socket.resume(),
    closed: () => void socket.destroy(),
  };
}

async function answer(request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  seen.push({ url: pathname, headers: [...request.headers.keys()] });
  const redirect = searchParams.get("redirect");
  if (redirect !== null) return Response.redirect(redirect);
  if (pathname === "/gzip") {
    const headers = { "content-encoding": "gzip", "content-type": "text/plain" };
    return new Response(Bun.gzipSync(Buffer.from("packed".repeat(100))), { headers });
  }
  if (pathname === "/posing") {
    return new Response("posing", { headers: { "reactor-egress-refusal": "0-0" } });
  }
  if (pathname === "/large") return new Response("z".repeat(3_000_000));
  const body = await request.text();
  return new Response(
    `${request.method} ${pathname} ${request.headers.get("host")} ${body.length}`,
  );
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

beforeAll(async () => {
  plain = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  secure = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: { key, cert }, fetch: answer });
  echo = net.createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const address = echo.address();
  echoPort = typeof address === "object" && address !== null ? address.port : 0;
  const proxyPort = await freePort();
  const proxy = `http://127.0.0.1:${proxyPort}`;
  guest = await GuestHarness.start(code, {
    proxyPort,
    env: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy },
    onOpen: relay,
  });
});

afterAll(async () => {
  await guest.stop();
  await plain.stop(true);
  await secure.stop(true);
  echo.close();
});

beforeEach(() => {
  opened.length = 0;
  seen.length = 0;
});

async function run(name: string, to: string): Promise<unknown> {
  const url = `http://localhost/?to=${encodeURIComponent(to)}`;
  return JSON.parse(await guest.text({ url, headers: ["x-case", name] }));
}

for (const name of ["fetch", "http"]) {
  test(`${name} of an http URL goes through a stream and loses nothing`, async () => {
    const host = `origin.test:${plain.port}`;
    expect(await run(name, `http://${host}/a/b`)).toEqual([200, `GET /a/b ${host} 0`]);
    expect(opened).toEqual([host]);
    expect(seen[0]?.headers.filter((header) => header.startsWith("proxy-"))).toEqual([]);
  });
}

for (const name of ["fetch", "https"]) {
  test(`${name} of an https URL goes through a tunnel to the name in the certificate`, async () => {
    const host = `origin.test:${secure.port}`;
    expect(await run(name, `https://${host}/s`)).toEqual([200, `GET /s ${host} 0`]);
    expect(opened).toEqual([host]);
  });
}

test("a tunnel to a name that the certificate does not hold fails in the client", async () => {
  expect(await run("fetchError", `https://other.test:${secure.port}/`)).toEqual([
    "error",
    "ERR_TLS_CERT_ALTNAME_INVALID",
    expect.any(String),
  ]);
  expect(opened.length).toBe(1);
});

for (const name of ["post", "httpPost"]) {
  test(`a large request body of ${name} arrives whole`, async () => {
    const [status, text] = (await run(name, `http://origin.test:${plain.port}/p`)) as [
      number,
      string,
    ];
    expect(status).toBe(200);
    expect(text).toEndWith(name === "post" ? " 3000000" : " 300000");
  });
}

test("a fetched response is passed on as a stream", async () => {
  const url = `http://localhost/?to=${encodeURIComponent(`http://origin.test:${plain.port}/large`)}`;
  expect((await guest.text({ url, headers: ["x-case", "pass"] })).length).toBe(3_000_000);
});

for (const name of ["pass", "passAgain"]) {
  test(`a compressed response that is passed on (${name}) is decoded and says so`, async () => {
    const to = encodeURIComponent(`http://origin.test:${plain.port}/gzip`);
    const exchange = guest.request({
      url: `http://localhost/?to=${to}`,
      headers: ["x-case", name],
    });
    expect(await exchange.text()).toBe("packed".repeat(100));
    expect(await exchange.header("content-encoding")).toBeUndefined();
    expect(await exchange.header("content-length")).toBeUndefined();
    expect(await exchange.header("content-type")).toStartWith("text/plain");
  });
}

test("a response that is fetched without decoding stays as it is", async () => {
  const to = encodeURIComponent(`http://origin.test:${plain.port}/gzip`);
  const headers = ["x-case", "passPacked"];
  const exchange = guest.request({ url: `http://localhost/?to=${to}`, headers });
  await exchange.outcome;
  expect(await exchange.header("content-encoding")).toBe("gzip");
  expect(await exchange.header("content-length")).toBe(String(exchange.bodyBytes));
});

test("an origin that keeps its connection open gets no second request over it", async () => {
  const requests: string[][] = [];
  const keeping = net.createServer((socket) => {
    const heads: string[] = [];
    requests.push(heads);
    socket.on("data", (chunk) => {
      heads.push(chunk.toString().split("\r\n")[0] ?? "");
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nkept");
    });
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => keeping.listen(0, "127.0.0.1", resolve));
  const address = keeping.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  try {
    for (const path of ["/1", "/2", "/3"]) {
      expect(await run("fetch", `http://origin.test:${port}${path}`)).toEqual([200, "kept"]);
    }
    expect(requests).toEqual([["GET /1 HTTP/1.1"], ["GET /2 HTTP/1.1"], ["GET /3 HTTP/1.1"]]);
  } finally {
    keeping.close();
  }
});

test("50 connections at once are carried side by side", async () => {
  const host = `origin.test:${plain.port}`;
  const texts = await run("many", `http://${host}/n`);
  expect(texts).toEqual(Array.from({ length: 50 }, (_, i) => `GET /n${i} ${host} 0`));
});

test("fetch of what the host refuses rejects with its code and its sentence", async () => {
  for (const url of ["http://denied.example/", "https://denied.example/"]) {
    expect(await run("fetchError", url)).toEqual([
      "error",
      "egress_denied",
      "Egress to denied.example is denied",
    ]);
  }
});

test("a client that speaks to the proxy by itself reads 403, the sentence and a JSON body", async () => {
  const answer = (await run("proxy", "http://denied.example/")) as string;
  expect(answer).toStartWith("HTTP/1.1 403 Egress to denied.example is denied\r\n");
  expect(answer).toEndWith(
    '{"error":{"code":"egress_denied","message":"Egress to denied.example is denied","status":403}}',
  );
});

test("an answer of a destination that names a refusal is the destination's own", async () => {
  const to = `http://origin.test:${plain.port}/posing`;
  expect(await run("fetch", to)).toEqual([200, "posing"]);
});

test("loopback addresses are no way around the host", async () => {
  for (const host of ["127.0.0.1", "localhost", "[::1]"]) {
    const [, reason] = (await run("fetchError", `http://${host}:${plain.port}/`)) as string[];
    expect(reason).toBe("egress_denied");
  }
  const refused = ["error", "egress_denied", "Egress to 127.0.0.1 is denied"];
  expect(await run("http", `http://127.0.0.1:${plain.port}/`)).toEqual(refused);
  expect(await run("net", `http://127.0.0.1:${echoPort}/`)).toEqual(refused);
  expect(opened.length).toBe(5);
  expect(seen).toEqual([]);
});

test("a redirect is checked again", async () => {
  const to = `http://origin.test:${plain.port}/?redirect=${encodeURIComponent("http://169.254.169.254/meta")}`;
  expect(await run("fetchError", to)).toEqual([
    "error",
    "egress_denied",
    "Egress to 169.254.169.254 is denied",
  ]);
  expect(opened).toEqual([`origin.test:${plain.port}`, "169.254.169.254:80"]);
});

test("fetch of a destination that cannot be reached rejects with the host's code", async () => {
  const port = await freePort();
  const [, reason] = (await run("fetchError", `http://origin.test:${port}/`)) as string[];
  expect(reason).toBe("connect_failed");
});

test("a refused tunnel fails in the client and not in the guest", async () => {
  expect(await run("https", "https://denied.example/")).toEqual([
    "error",
    "egress_denied",
    "Egress to denied.example is denied",
  ]);
});

test("a raw TCP socket is carried both ways, and its ends too", async () => {
  expect(await run("net", `http://raw.test:${echoPort}/`)).toBe("hello\n");
  expect(opened).toEqual([`raw.test:${echoPort}`]);
});

test("a raw TLS socket is carried to the name it asks for", async () => {
  expect(await run("tls", `https://origin.test:${secure.port}/`)).toMatch(
    /^HTTP\/1\.1 200 OK[\s\S]*GET \/tls/,
  );
});
