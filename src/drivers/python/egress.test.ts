import { afterAll, describe, expect, test } from "bun:test";
import net from "node:net";
import { createDeferred } from "../../base/deferred.ts";
import type { Instance } from "../driver.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { openFunctionContext } from "./function-context.harness.ts";

/** Reaches the URL that the event names in the way it names, and answers with what came. */
const source = `
import asyncio, http.client, json, os, socket, urllib.error, urllib.request
from urllib.parse import urlsplit

def by_urllib(url, upload):
    data = b"u" * upload if upload else None
    try:
        with urllib.request.urlopen(url, data=data, timeout=15) as response:
            return {"status": response.status, "text": response.read().decode()}
    except urllib.error.HTTPError as error:
        return {"status": error.code, "text": error.read().decode()}

def by_tunnel(url, upload):
    # As requests and httpx reach https destinations.
    target, proxy = urlsplit(url), urlsplit(os.environ["HTTPS_PROXY"])
    connection = http.client.HTTPConnection(proxy.hostname, proxy.port, timeout=15)
    connection.set_tunnel(target.hostname, target.port)
    connection.request("GET", target.path or "/")
    response = connection.getresponse()
    return {"status": response.status, "text": response.read().decode()}

def raw_request(target):
    return f"GET {target.path or '/'} HTTP/1.0\\r\\nhost: {target.hostname}\\r\\n\\r\\n".encode()

def parsed(answer):
    head, _, body = answer.partition(b"\\r\\n\\r\\n")
    return {"status": int(head.split(b" ")[1]), "text": body.decode()}

def by_socket(url, upload):
    target = urlsplit(url)
    with socket.create_connection((target.hostname, target.port), timeout=15) as raw:
        raw.sendall(raw_request(target))
        return parsed(b"".join(iter(lambda: raw.recv(65536), b"")))

def by_asyncio(url, upload):
    async def fetch():
        target = urlsplit(url)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(raw_request(target))
        answer = await reader.read()
        writer.close()
        return parsed(answer)
    return asyncio.run(fetch())

def by_half_close(url, upload):
    target = urlsplit(url)
    with socket.create_connection((target.hostname, target.port), timeout=15) as raw:
        raw.sendall(b"all of it")
        raw.shutdown(socket.SHUT_WR)
        return {"text": b"".join(iter(lambda: raw.recv(65536), b"")).decode()}

ways = {name[3:]: work for name, work in globals().items() if name.startswith("by_")}

def handler(event):
    try:
        return ways[event.get("way", "urllib")](event["url"], event.get("upload"))
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
`;

interface Outcome {
  readonly status?: number;
  readonly text?: string;
  readonly error?: string;
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  "open.test": ["127.0.0.1"],
  "other.test": ["127.0.0.1"],
  "private.test": ["10.1.2.3"],
  "rebinding.test": ["93.184.216.34", "127.0.0.1"],
};

/** Only the sandbox has no network of its own; without it nothing forces a function through the relay. */
describe.if(Bun.which("bwrap") !== null)("egress from the sandbox (needs bubblewrap)", () => {
  const inner = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("inner") });
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/redirect") return Response.redirect(`http://127.0.0.1:${inner.port}/`);
      if (pathname === "/big") return new Response("d".repeat(8 * 1024 * 1024));
      if (pathname === "/upload")
        return new Response(String((await request.arrayBuffer()).byteLength));
      return new Response("open door");
    },
  });
  const listening = createDeferred<number>();
  const echo = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1", () => {
    const address = echo.address();
    listening.resolve(typeof address === "object" && address !== null ? address.port : 0);
  });
  const context = openFunctionContext({
    egress: {
      privateAllow: ["open.test", "other.test"],
      denied: () => [`127.0.0.1:${inner.port}`],
      resolve: async (host) => {
        const found = addresses[host];
        if (found === undefined) throw new Error(`no address for ${host}`);
        return found;
      },
    },
  });
  let started: Promise<Instance> | undefined;
  let stranger: Promise<Instance> | undefined;
  const call = async (event: object, instance?: Instance): Promise<Outcome> => {
    const target = instance ?? (await (started ??= context.function(source)));
    const answered = await context.ok(target, { body: JSON.stringify(event) });
    const outcome: Outcome = JSON.parse(answered.text());
    return outcome;
  };
  const at = (host: string, path = "/", port = server.port): string =>
    `http://${host}:${port}${path}`;
  const denials = () =>
    context.logs.filter(
      ({ source: from, message }) => from === "platform" && /denied/.test(message),
    );

  afterAll(async () => {
    echo.close();
    await server.stop(true);
    await inner.stop(true);
  });

  test.each(["urllib", "tunnel", "socket", "asyncio"])(
    "%s reaches a private host that the operator opened, by its name",
    async (way) => {
      const outcome = await call({ way, url: at("open.test") });
      expect(outcome).toEqual({ status: 200, text: "open door" });
    },
  );

  test("8 MiB are carried each way", async () => {
    const down = await call({ url: at("open.test", "/big") });
    expect(down.text?.length).toBe(8 * 1024 * 1024);
    const upload = 8 * 1024 * 1024;
    expect(await call({ url: at("open.test", "/upload"), upload })).toEqual({
      status: 200,
      text: String(upload),
    });
    const raw = await call({ way: "socket", url: at("open.test", "/big") });
    expect(raw.text?.length).toBe(8 * 1024 * 1024);
  });

  test("a raw socket keeps its two directions apart", async () => {
    const url = `http://open.test:${await listening.promise}/`;
    expect(await call({ way: "half_close", url })).toEqual({ text: "all of it" });
  });

  test("40 requests at once are carried side by side", async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        call({ way: i % 2 === 0 ? "urllib" : "asyncio", url: at("open.test") }),
      ),
    );
    for (const outcome of outcomes) expect(outcome).toEqual({ status: 200, text: "open door" });
  });

  test("a request at import is carried too, and so is one that blocks the event loop", async () => {
    const instance = await context.function(`
import urllib.request

url = "${at("open.test")}"
first = urllib.request.urlopen(url, timeout=15).read().decode()

async def handler(event):
    return [first, urllib.request.urlopen(url, timeout=15).read().decode()]
`);
    expect((await context.ok(instance)).json()).toEqual(["open door", "open door"]);
  });

  const denied: readonly (readonly [string, () => string])[] = [
    ["loopback", () => at("127.0.0.1")],
    ["loopback in decimal", () => at("2130706433")],
    ["loopback, mapped", () => at("[::ffff:127.0.0.1]")],
    ["the metadata address", () => at("169.254.169.254", "/latest", 80)],
    ["a private address behind a name", () => at("private.test", "/", 80)],
    ["a name with a public and a private address", () => at("rebinding.test")],
    ["the port beside the one that was opened", () => at("open.test", "/", inner.port)],
  ];

  for (const way of ["urllib", "tunnel"]) {
    // http.client of Python 3.11 names an address of version 6 in a tunnel without its brackets.
    const named = denied.filter(([what]) => way === "urllib" || what !== "loopback, mapped");
    test.each(named)(`${way} is denied %s, with a line in the log`, async (_what, url) => {
      context.logs.length = 0;
      // In an instance of its own: one that looked open.test up may connect to what it was told.
      const outcome = await call(
        { way, url: url() },
        await (stranger ??= context.function(source)),
      );
      expect(outcome.status).not.toBe(200);
      expect(outcome.text ?? "").not.toMatch(/open door|inner/);
      expect(outcome.error ?? outcome.text).toMatch(/Egress to .+ is denied: .+/);
      expect(denials().map(({ level }) => level)).toContain("warn");
    });
  }

  test("a raw socket to a denied address is closed, with a line in the log", async () => {
    for (const url of [at("private.test", "/", 80), at("169.254.169.254", "/", 80)]) {
      context.logs.length = 0;
      const outcome = await call({ way: "socket", url });
      expect(outcome.error).toBeDefined();
      expect(denials()).not.toEqual([]);
    }
  });

  test("the target of a redirect is checked like any other", async () => {
    context.logs.length = 0;
    expect((await call({ url: at("open.test", "/redirect") })).status).toBe(403);
    expect(denials()).not.toEqual([]);
  });

  test("a destination that cannot be reached is 502", async () => {
    expect((await call({ url: at("nowhere.test") })).status).toBe(502);
  });

  test("a manifest's list narrows what is open", async () => {
    const manifest = { ...suiteManifest({ runtime: "python" }), egressAllow: ["other.test"] };
    const instance = await context.function(source, { manifest });
    expect((await call({ url: at("other.test") }, instance)).text).toBe("open door");
    expect((await call({ url: at("open.test") }, instance)).status).toBe(403);
    await instance.stop({ graceMs: 0 });
  });

  test("connections come and go without leaving descriptors or streams behind", async () => {
    const instance = await context.function(`
import os, socket, urllib.request

def count():
    return len(os.listdir("/proc/self/fd"))

def handler(event):
    for number in range(event["times"]):
        urllib.request.urlopen("${at("open.test")}", timeout=15).read()
        for host in ("open.test", "private.test"):
            with socket.socket() as raw:
                raw.settimeout(15)
                try:
                    raw.connect((host, ${server.port}))
                    assert raw.connect_ex((host, ${server.port})) in (0, 106)
                    raw.sendall(b"GET / HTTP/1.0\\r\\nhost: open.test\\r\\n\\r\\n")
                    while raw.recv(65536):
                        pass
                except OSError:
                    pass
    return count()
`);
    const after = async (times: number): Promise<number> =>
      Number((await context.ok(instance, { body: JSON.stringify({ times }) })).text());
    const before = await after(0);
    await after(100);
    // Their ends are on their way through the relay.
    while ((await after(0)) > before) await context.rounds(instance, 5);
  });

  test("what is no proxy request is answered with 400, and an endless head with 431", async () => {
    const instance = await context.function(`
import socket

def ask(data):
    with socket.create_connection(("127.0.0.1", 3128), timeout=15) as raw:
        try:
            raw.sendall(data)
        except OSError:
            pass
        return raw.recv(64).decode().split("\\r")[0]

def handler(event):
    return [ask(b"GET / HTTP/1.1\\r\\n\\r\\n"), ask(b"CONNECT a HTTP/1.1\\r\\n\\r\\n"), ask(b"x" * 70_000)]
`);
    expect((await context.ok(instance)).json()).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 400 The proxy request is malformed/),
      expect.stringMatching(/^HTTP\/1\.1 400 The proxy request is malformed/),
      "HTTP/1.1 431 The proxy request's head is over 65536 bytes",
    ]);
  });
});
