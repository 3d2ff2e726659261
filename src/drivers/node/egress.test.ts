import { afterAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import type { LogLine } from "../../domain/invocation.ts";
import type { Driver, Instance } from "../driver.ts";
import { testIdentities } from "../../http/test-identities.harness.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { createTestDriver, nodeBinaries } from "./test-driver.harness.ts";

const signal = new AbortController().signal;

/** Reaches `host:port` in the way that the request's body names and answers with what came. */
const source = `
import net from "node:net";
import http, { get } from "node:http";
import tls from "node:tls";
import https from "node:https";
const answerOf = (request) => new Promise((resolve, reject) => {
  request.on("error", reject).on("response", async (response) => {
    let text = "";
    for await (const chunk of response) text += chunk;
    resolve({ status: response.statusCode, text });
  });
});
const spoken = (socket, host) => new Promise((resolve, reject) => {
  let text = "";
  socket.on("error", reject).on("data", (chunk) => { text += chunk; }).on("end", () => resolve({ status: Number(text.split(" ")[1]), text: text.split("\\r\\n\\r\\n")[1] }));
  socket.write("GET / HTTP/1.1\\r\\nHost: " + host + "\\r\\nConnection: close\\r\\n\\r\\n");
});
const ways = {
  async fetch({ host, port, path, upload }) {
    const init = upload === undefined ? {} : { method: "POST", body: "u".repeat(upload) };
    const response = await fetch("http://" + host + ":" + port + path, init);
    return { status: response.status, text: await response.text() };
  },
  "node:http": ({ host, port, path }) => answerOf(http.get({ host, port, path })),
  "http.get, imported by name": ({ host, port, path }) => answerOf(get("http://" + host + ":" + port + path)),
  "an http agent that keeps alive": ({ host, port, path }) => answerOf(http.get({ host, port, path, agent: new http.Agent({ keepAlive: true }) })),
  "net.connect(port, host)": ({ host, port }) => spoken(net.connect(port, host), host),
  "new net.Socket().connect()": ({ host, port }) => spoken(new net.Socket().connect({ host, port }), host),
  "node:https": ({ host, port, ca }) => answerOf(https.get({ host, port, ca })),
  "tls.connect": ({ host, port, ca }) => spoken(tls.connect({ host, port, ca }), host),
  async "fetch of https"({ host, port, path }) {
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
    try { return { text: await (await fetch("https://" + host + ":" + port + path)).text() }; }
    finally { delete process.env.NODE_TLS_REJECT_UNAUTHORIZED; }
  },
  "the proxy, by its variable": ({ host, port, path }) => {
    const proxy = new URL(process.env.HTTP_PROXY);
    return answerOf(http.get({ host: proxy.hostname, port: proxy.port, path: "http://" + host + ":" + port + path }));
  },
};
export default { async fetch(request) {
  const input = await request.json();
  try { return Response.json(await ways[input.way](input)); }
  catch (error) { return Response.json({ error: String(error.cause?.code ?? error.code ?? error) }); }
} };`;

interface Outcome {
  readonly status?: number;
  readonly text?: string;
  readonly error?: string;
}

interface Input {
  readonly way: string;
  readonly host: string;
  readonly port?: number | undefined;
  readonly path?: string;
  readonly upload?: number;
  readonly ca?: string;
}

async function startClient(driver: Driver, logs: LogLine[]): Promise<Instance> {
  const manifest = suiteManifest({ runtime: "node" });
  const files = new Map([["index.js", new TextEncoder().encode(source)]]);
  const artifact = await driver.prepare({ deploymentId: "dep_1", manifest, files }, signal);
  const names = {
    projectId: "prj_test",
    functionId: "fn_1",
    functionName: "client",
    deploymentId: "dep_1",
    revision: 1,
  };
  const spec = { ...names, manifest, env: {}, secrets: {}, startTimeoutMs: 10_000 };
  return driver.start(artifact, { ...spec, onLog: (line) => logs.push(line) }, signal);
}

function call(instance: Instance, input: Input): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const head = {
      invocationId: "inv_1",
      requestId: "req-1",
      method: "POST",
      url: "http://function.example/",
      deadlineMs: 0,
      caller: "",
      headers: [],
    };
    const body = Buffer.from(JSON.stringify({ path: "/", ...input }));
    const stream = instance.serve(head, body, true, {
      head() {},
      data(chunk) {
        chunks.push(Buffer.from(chunk));
        stream.consumed(chunk.length);
      },
      end: () => resolve(JSON.parse(Buffer.concat(chunks).toString())),
      failed: (failure) => reject(new Error(JSON.stringify(failure))),
      drained() {},
    });
  });
}

/** Only the sandbox has no network of its own; without it nothing forces a function through the relay. */
const sandboxed = Bun.which("bwrap") !== null;

describe.if(sandboxed).each(nodeBinaries.map(({ name, runtimeBinary }) => [name, runtimeBinary]))(
  "egress of %s from the sandbox (needs bubblewrap)",
  (_name, runtimeBinary) => {
    const server: Server<undefined> = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/big") return new Response("d".repeat(8 * 1024 * 1024));
        if (pathname === "/upload")
          return new Response(String((await request.arrayBuffer()).byteLength));
        return new Response("open door");
      },
    });
    const [identity, stranger] = testIdentities;
    const secure = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: identity,
      fetch: () => new Response("secure door"),
    });
    const made = createTestDriver({
      runtimeBinary,
      blanksMax: 0,
      egress: {
        privateAllow: [`open.test:${server.port}`, `localhost:${secure.port}`],
        resolve: async (host) => {
          if (host === "nowhere.test") throw new Error("no address for it");
          return ["127.0.0.1"];
        },
      },
    });
    const logs: LogLine[] = [];
    let started: Promise<Instance> | undefined;
    const client = (): Promise<Instance> => (started ??= startClient(made.driver, logs));

    afterAll(async () => {
      await made.close();
      await server.stop(true);
      await secure.stop(true);
    });

    const plainWays = [
      "fetch",
      "node:http",
      "http.get, imported by name",
      "an http agent that keeps alive",
      "net.connect(port, host)",
      "new net.Socket().connect()",
      "the proxy, by its variable",
    ];

    test.each(plainWays)("%s reaches an open host by its name", async (way) => {
      const outcome = await call(await client(), { way, host: "open.test", port: server.port });
      expect(outcome).toEqual({ status: 200, text: "open door" });
    });

    test.each(plainWays.slice(0, -1))("%s hears `egress_denied` from any other", async (way) => {
      logs.length = 0;
      const outcome = await call(await client(), { way, host: "127.0.0.1", port: server.port });
      expect(outcome).toEqual({ error: "egress_denied" });
      const line = logs.find((entry) => entry.source === "platform");
      expect(line?.message).toMatch(/^Egress to ".+" is denied: .+/);
    });

    const secured = { host: "localhost", port: secure.port, ca: identity.cert };

    test.each(["node:https", "tls.connect", "fetch of https"])(
      "%s reaches the name in the certificate",
      async (way) => {
        expect((await call(await client(), { way, ...secured })).text).toBe("secure door");
      },
    );

    test.each(["node:https", "tls.connect"])("%s trusts no other certificate", async (way) => {
      const outcome = await call(await client(), { way, ...secured, ca: stranger.cert });
      expect(outcome.error).toMatch(/CERT/);
    });

    test("fetch hears that a name has no address", async () => {
      const input = { way: "fetch", host: "nowhere.test", port: 80 };
      expect(await call(await client(), input)).toEqual({ error: "egress_unreachable" });
    });

    test("fetch carries 8 MiB each way", async () => {
      const to = { way: "fetch", host: "open.test", port: server.port };
      const down = await call(await client(), { ...to, path: "/big" });
      expect(down.text?.length).toBe(8 * 1024 * 1024);
      const upload = 8 * 1024 * 1024;
      const up = await call(await client(), { ...to, path: "/upload", upload });
      expect(up).toEqual({ status: 200, text: String(upload) });
    });

    test("200 connections one after the other leave nothing open in between", async () => {
      for (let i = 0; i < 200; i++) {
        const input = { way: "net.connect(port, host)", host: "open.test", port: server.port };
        expect((await call(await client(), input)).status).toBe(200);
      }
    });
  },
);
