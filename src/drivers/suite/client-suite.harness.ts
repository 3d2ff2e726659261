import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LogLine } from "../../domain/invocation.ts";
import type { Isolation, Runtime } from "../../domain/manifest.ts";
import type { Driver, Instance } from "../driver.ts";
import type { EgressRelayOptions } from "../process/egress-relay.ts";
import { callJson, startFunction } from "./call.harness.ts";
import { type ClientServers, openClientServers } from "./client-servers.harness.ts";

/** One client of one runtime: a cell of the table in docs/guide/egress.md. */
export interface ClientCase {
  /** Name in the function's table of ways. */
  readonly way: string;
  /** Which server it asks; `none` for clients that connect to nobody. */
  readonly server: keyof Omit<ClientServers, "ca" | "close"> | "none";
  /** What it gives of an open host; undefined when it has no way out. */
  readonly gives: unknown;
  /**
   * The code, or a part of the message, of what it throws for a private host. Absent for a client that
   * is made once.
   */
  readonly denied?: RegExp;
}

interface Outcome {
  readonly value?: unknown;
  readonly code?: string;
  readonly message?: string;
}

export interface ClientSuiteOptions {
  readonly runtime: Runtime;
  readonly isolation?: Isolation;
  readonly make: (egress: Partial<Omit<EgressRelayOptions, "clock">>) => {
    readonly driver: Driver;
    close(): Promise<void>;
  };
  /** Answers `{ way, host, port, ca }` with `{ value }` or `{ code, message }`. */
  readonly source: string;
  /** Further files of the function. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  readonly cases: readonly ClientCase[];
  /** Clients that are not on this machine, and what would bring them. */
  readonly missing?: readonly string[];
}

/** Addresses of the names that functions are told. `localhost` is the name in the certificate. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  "open.test": ["127.0.0.1"],
  localhost: ["127.0.0.1"],
  "private.test": ["10.1.2.3"],
};

/** Registers two tests for each client: that it reaches an open host, and what it says of a private one. */
export function clientSuite(name: string, options: ClientSuiteOptions): void {
  // Only the sandbox has no network of its own; without it nothing forces a function through the relay.
  describe.if(Bun.which("bwrap") !== null)(`clients of ${name} (needs bubblewrap)`, () => {
    let servers: ClientServers;
    let made: ReturnType<ClientSuiteOptions["make"]>;
    let instance: Instance;
    const logs: LogLine[] = [];

    beforeAll(async () => {
      servers = await openClientServers();
      const { http, https, echo, redis } = servers;
      made = options.make({
        privateAllow: [
          ...[http, echo, redis].map((port) => `open.test:${port}`),
          `localhost:${https}`,
        ],
        resolve: async (host) => {
          const found = addresses[host];
          if (found === undefined) throw new Error(`no address for ${host}`);
          return found;
        },
      });
      const { runtime, isolation = "process", files = new Map() } = options;
      const bundle = { runtime, isolation, files, logs };
      instance = await startFunction(made.driver, options.source, bundle);
    }, 60_000);

    afterAll(async () => {
      await made.close();
      await servers.close();
    });

    const ask = async (way: string, host: string, port: number): Promise<Outcome> =>
      (await callJson(instance, { way, host, port, ca: servers.ca })) as Outcome;

    const reaching = options.cases.filter(({ gives }) => gives !== undefined);
    test.each(reaching.map((each) => [each.way, each] as const))(
      "%s reaches an open host",
      async (way, { server, gives }) => {
        const host = server === "https" ? "localhost" : "open.test";
        const port = server === "none" ? 80 : servers[server];
        expect(await ask(way, host, port)).toEqual({ value: gives });
      },
      30_000,
    );

    for (const what of options.missing ?? []) test.skip(what, () => {});

    const failing = options.cases.flatMap(({ way, denied: says, gives }) =>
      says === undefined ? [] : [[way, says, gives] as const],
    );
    test.each(failing)("%s of a private host fails with a reason", async (way, says, gives) => {
      logs.length = 0;
      const { code, message, value } = await ask(way, "private.test", 7000);
      expect(value).toBeUndefined();
      expect(`${code}: ${message}`).toMatch(says);
      // What has no way out is refused by the guest itself.
      if (gives === undefined) return;
      expect(logs.map((line) => line.message).join("\n")).toMatch(
        /Egress to "private\.test(?::7000)?" is denied: it leads to a private address .+ in egress\.private_allow/,
      );
    });
  });
}

/** Ways that Bun, Node and Deno have in common, as the body of a table. */
export const commonWays = `
  fetch: async ({ host, port }) => (await fetch("http://" + host + ":" + port + "/")).text(),
  "fetch of https": async ({ host, port, ca }) => (await secureFetch("https://" + host + ":" + port + "/", ca)).text(),
  "node:http": ({ host, port }) => got(http.get({ host, port })),
  "node:https": ({ host, port, ca }) => got(https.get({ host, port, ca })),
  "node:net": ({ host, port }) => spoken(net.connect(port, host), "*1\\r\\n$4\\r\\nPING\\r\\n", 7),
  "node:tls": ({ host, port, ca }) => spoken(tls.connect({ host, port, ca }), "GET / HTTP/1.0\\r\\n\\r\\n", 15),
  "dns.lookup": ({ host }) => new Promise((resolve, reject) => dns.lookup(host, (error, address, family) => error ? reject(error) : resolve([address, family]))),
  "dns.lookup of all": ({ host }) => dns.promises.lookup(host, { all: true }),
  "promisified dns.lookup": ({ host }) => util.promisify(dns.lookup)(host),
  "dns.resolve4": ({ host }) => resolve4(host),
  "a dns.Resolver": ({ host }) => new Promise((resolve, reject) => new dns.Resolver().resolve(host, "A", (error, found) => error ? reject(error) : resolve(found))),
  "dns.lookup and then connect": async ({ host, port }) => spoken(net.connect(port, (await dns.promises.lookup(host)).address), "*1\\r\\n$4\\r\\nPING\\r\\n", 7),
  "dns.resolveMx": ({ host }) => dns.promises.resolveMx(host),
  "dns.reverse": ({ host }) => dns.promises.reverse("10.1.2.3"),
  "node:dgram": ({ host, port }) => new Promise((resolve, reject) => { const socket = dgram.createSocket("udp4"); socket.on("error", reject); socket.send("x", port, host, (error) => error ? reject(error) : resolve("sent")); }),
  "node:dgram, connected": ({ host, port }) => new Promise((resolve, reject) => { const socket = dgram.createSocket("udp4"); socket.on("error", reject); socket.connect(port, host, (error) => error ? reject(error) : resolve("connected")); }),
`;

/** The function around a table of ways. `secureFetch` trusts a certificate in the runtime's own manner. */
export function clientSource(secureFetch: string, ways: string, imports = ""): string {
  return `
import dgram from "node:dgram";
import dns, { lookup } from "node:dns";
import { resolve4 } from "node:dns/promises";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import util from "node:util";
${imports}
const got = (request) => new Promise((resolve, reject) => {
  request.on("error", reject).on("response", async (response) => {
    let text = "";
    for await (const chunk of response) text += chunk;
    resolve(text);
  });
});
const spoken = (socket, question, length) => new Promise((resolve, reject) => {
  let text = "";
  socket.on("error", reject).on("data", (chunk) => { text += chunk; if (text.length >= length) { resolve(text.slice(0, length)); socket.destroy(); } });
  socket.write(question);
});
const secureFetch = ${secureFetch};
const ways = {${ways}};
export default { async fetch(request) {
  const input = await request.json();
  try { return Response.json({ value: await ways[input.way](input) }); }
  catch (error) { return Response.json({ code: String(error.code ?? ""), message: String(error.message ?? error) }); }
} };`;
}

const denied =
  /^egress_denied: Egress to "private\.test(?::7000)?" is denied: .+ in egress\.private_allow$/;
const unsupported = /^egress_unsupported: Cannot (?:look up|send to) /;

/** The cases of `commonWays`. */
export const commonCases: readonly ClientCase[] = [
  { way: "fetch", server: "http", gives: "open word", denied },
  { way: "fetch of https", server: "https", gives: "secure word", denied },
  { way: "node:http", server: "http", gives: "open word", denied },
  { way: "node:https", server: "https", gives: "secure word", denied },
  { way: "node:net", server: "redis", gives: "+PONG\r\n", denied },
  { way: "node:tls", server: "https", gives: "HTTP/1.1 200 OK", denied },
  { way: "dns.lookup", server: "none", gives: ["127.0.0.1", 4], denied },
  {
    way: "dns.lookup of all",
    server: "none",
    gives: [{ address: "127.0.0.1", family: 4 }],
    denied,
  },
  {
    way: "promisified dns.lookup",
    server: "none",
    gives: { address: "127.0.0.1", family: 4 },
    denied,
  },
  { way: "dns.resolve4", server: "none", gives: ["127.0.0.1"], denied },
  { way: "a dns.Resolver", server: "none", gives: ["127.0.0.1"], denied },
  { way: "dns.lookup and then connect", server: "redis", gives: "+PONG\r\n", denied },
  { way: "dns.resolveMx", server: "none", gives: undefined, denied: unsupported },
  { way: "dns.reverse", server: "none", gives: undefined, denied: unsupported },
  { way: "node:dgram", server: "none", gives: undefined, denied: unsupported },
  { way: "node:dgram, connected", server: "none", gives: undefined, denied: unsupported },
];
