import { afterAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import type { LogLine } from "../../domain/invocation.ts";
import type { Isolation } from "../../domain/manifest.ts";
import type { Driver, Instance } from "../driver.ts";
import type { EgressRelayOptions } from "../process/egress-relay.ts";
import { testIdentities } from "../../http/test-identities.harness.ts";
import { callJson, startFunction } from "../suite/call.harness.ts";

/** Every way out of a Deno function. Each asks the HTTP server at host:port for /word. */
const client = `
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { connect } from "node:net";
const get = (host) => new TextEncoder().encode("GET /word HTTP/1.1\\r\\nHost: " + host + "\\r\\nConnection: close\\r\\n\\r\\n");
const ways = {
  fetch: async (host, port, path) => (await fetch("http://" + host + ":" + port + path)).text(),
  websocket: (host, port) => new Promise((resolve, reject) => {
    const socket = new WebSocket("ws://" + host + ":" + port + "/socket");
    socket.onopen = () => socket.send("word");
    socket.onmessage = ({ data }) => { resolve(data); socket.close(); };
    socket.onerror = (event) => reject(new Error(event.message));
  }),
  connect: async (hostname, port) => {
    const connection = await Deno.connect({ hostname, port });
    await connection.write(get(hostname));
    return new Response(connection.readable).text();
  },
  resolveDns: async (host) => "open word of " + await Deno.resolveDns(host, "A"),
  net: (host, port) => new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(port, host, () => socket.write(get(host)));
    socket.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text)).on("error", reject);
  }),
  named: (host, port) => new Promise((resolve, reject) => {
    let text = "";
    const socket = connect({ host, port });
    socket.write(get(host));
    socket.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text)).on("error", reject);
  }),
  http: (host, port) => new Promise((resolve, reject) => {
    http.get({ host, port, path: "/word" }, (response) => {
      let text = "";
      response.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text));
    }).on("error", reject);
  }),
  connectTls: async (hostname, port, path, bytes, ca) => {
    const connection = await Deno.connectTls({ hostname, port, caCerts: [ca] });
    await connection.write(get(hostname));
    return new Response(connection.readable).text();
  },
  "https fetch": async (host, port, path, bytes, ca) => {
    const client = Deno.createHttpClient({ caCerts: [ca] });
    try { return await (await fetch("https://" + host + ":" + port + path, { client })).text(); } finally { client.close(); }
  },
  https: (host, port, path, bytes, ca) => new Promise((resolve, reject) => {
    https.get({ host, port, path, ca }, (response) => {
      let text = "";
      response.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text));
    }).on("error", reject);
  }),
  tls: (host, port, path, bytes, ca) => new Promise((resolve, reject) => {
    let text = "";
    const socket = tls.connect({ host, port, ca, servername: host }, () => socket.write(get(host)));
    socket.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text)).on("error", reject);
  }),
  upload: async (host, port, path, bytes) => (await fetch("http://" + host + ":" + port + path, { method: "POST", body: "u".repeat(bytes) })).text(),
};
export default { async fetch(request) {
  const { way, host, port, path = "/word", bytes, ca } = await request.json();
  try { return Response.json({ text: await ways[way](host, port, path, bytes, ca) }); }
  catch (error) { return Response.json({ error: String(error.code ?? error.cause ?? error) }); }
} };`;

interface Outcome {
  readonly text?: string;
  readonly error?: string;
}

const addresses: Readonly<Record<string, readonly string[]>> = {
  "open.test": ["127.0.0.1"],
  "other.test": ["127.0.0.1"],
  "private.test": ["10.1.2.3"],
  localhost: ["127.0.0.1"],
};

export interface EgressSuiteOptions {
  readonly isolation: Isolation;
  readonly make: (egress: Partial<Omit<EgressRelayOptions, "clock">>) => {
    readonly driver: Driver;
    close(): Promise<void>;
  };
}

/** Registers tests of every way out, for instances in the sandbox. */
export function egressSuite(name: string, options: EgressSuiteOptions): void {
  // Only the sandbox has no network of its own; without it nothing forces a function through the relay.
  describe.if(Bun.which("bwrap") !== null)(`egress of a ${name} (needs bubblewrap)`, () => {
    const server = wordServer();
    const [identity, stranger] = testIdentities;
    const secure = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: identity,
      fetch: () => new Response("secure word"),
    });
    const made = options.make({
      privateAllow: [
        `open.test:${server.port}`,
        `other.test:${server.port}`,
        `localhost:${secure.port}`,
      ],
      resolve: async (host) => {
        const found = addresses[host];
        if (found === undefined) throw new Error(`no address for ${host}`);
        return found;
      },
    });
    const logs: LogLine[] = [];
    let started: Promise<Instance> | undefined;
    const start = (allow?: readonly string[], projectId = "prj_test"): Promise<Instance> =>
      startFunction(made.driver, client, {
        isolation: options.isolation,
        projectId,
        logs,
        ...(allow !== undefined && { egressAllow: allow }),
      });
    const ask = async (
      way: string,
      host: string,
      more: { instance?: Instance; path?: string; port?: number; bytes?: number; ca?: string } = {},
    ): Promise<Outcome> => {
      const { instance = await (started ??= start()), ...rest } = more;
      return (await callJson(instance, { way, host, port: server.port, ...rest })) as Outcome;
    };

    afterAll(async () => {
      await made.close();
      await server.stop(true);
      await secure.stop(true);
    });

    test.each(["fetch", "websocket", "connect", "net", "named", "http"])(
      "%s reaches a host that is open, by its name",
      async (way) => {
        expect((await ask(way, "open.test")).text).toContain("open word");
      },
    );

    test.each(["fetch", "websocket", "connect", "net", "named", "http"])(
      "%s is denied a private address, with a log line that says so",
      async (way) => {
        logs.length = 0;
        const { text = "", error } = await ask(way, "private.test", { port: 80 });
        expect(text).not.toContain("open word");
        expect(error).toBeDefined();
        expect(logs.map((line) => line.message).join()).toContain(
          'Egress to "private.test:80" is denied',
        );
      },
    );

    test.each(["fetch", "connect", "net", "named"])(
      "%s names the reason by its code",
      async (way) => {
        expect((await ask(way, "private.test", { port: 80 })).error).toBe("egress_denied");
      },
    );

    test.each(["connectTls", "https fetch"])(
      "%s reads the certificate of an open host, which Deno refuses as an authority's own",
      async (way) => {
        const { error } = await ask(way, "localhost", {
          port: secure.port ?? 0,
          ca: identity.cert,
        });
        expect(error).toContain("CaUsedAsEndEntity");
      },
    );

    test.each(["https", "tls"])(
      "%s reaches the name in the certificate that it trusts, and no other",
      async (way) => {
        const port = secure.port ?? 0;
        const trusted = await ask(way, "localhost", { port, ca: identity.cert });
        expect(trusted).toEqual({ text: expect.stringContaining("secure word") });
        const untrusted = await ask(way, "localhost", { port, ca: stranger.cert });
        expect(untrusted.error).toBeDefined();
      },
    );

    test("the redirect of an open host to a closed one is followed no further", async () => {
      const { error } = await ask("fetch", "open.test", { path: "/redirect" });
      expect(error).toBe("egress_denied");
    });

    test("8 MiB pass each way", async () => {
      const down = await ask("fetch", "open.test", { path: "/big" });
      expect(down.text?.length).toBe(8 * 1024 * 1024);
      const up = await ask("upload", "open.test", { path: "/count", bytes: 8 * 1024 * 1024 });
      expect(up.text).toBe(String(8 * 1024 * 1024));
    });

    test("a manifest's list narrows what is open, for its own function only", async () => {
      const narrow = await start([`other.test:${server.port}`]);
      for (const way of ["fetch", "websocket", "connect", "net", "resolveDns"]) {
        expect((await ask(way, "other.test", { instance: narrow })).text).toContain("open word");
        expect((await ask(way, "open.test", { instance: narrow })).text ?? "").not.toContain(
          "open word",
        );
        expect((await ask(way, "open.test")).text).toContain("open word");
      }
      expect(logs.map((line) => line.message).join()).toContain("egress.allow does not name it");
      await narrow.stop({ graceMs: 0 });
    });
  });
}

function wordServer(): Server<undefined> {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request, server) {
      const { pathname } = new URL(request.url);
      if (pathname === "/socket" && server.upgrade(request)) return undefined;
      if (pathname === "/redirect") return Response.redirect("http://127.0.0.1:8099/");
      if (pathname === "/big") return new Response("d".repeat(8 * 1024 * 1024));
      if (pathname === "/count") {
        return new Response(String((await request.arrayBuffer()).byteLength));
      }
      return new Response("open word");
    },
    websocket: { message: (socket, text) => void socket.send(`open ${String(text)}`) },
  });
}
