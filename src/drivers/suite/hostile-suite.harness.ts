import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { LogLine } from "../../domain/invocation.ts";
import type { Isolation, Runtime } from "../../domain/manifest.ts";
import type { Driver, Instance } from "../driver.ts";
import type { EgressRelayOptions } from "../process/egress-relay.ts";
import { callJson, startFunction } from "./call.harness.ts";
import {
  hostileDestinations,
  hostileNames,
  hostileProxyHeads,
  hostileRedirects,
} from "./hostile-destinations.harness.ts";

interface HostileSuiteOptions {
  readonly runtime: Runtime;
  readonly isolation?: Isolation;
  readonly make: (egress: Partial<Omit<EgressRelayOptions, "clock">>) => {
    readonly driver: Driver;
    close(): Promise<void>;
  };
  /** Answers `{ way, urls, noProxy }` with an outcome for each URL. */
  readonly source: string;
  /** Its ways to connect to a URL; the first follows redirects. */
  readonly ways: readonly string[];
  /** Whether the function finds a proxy that it can speak to by hand, by its way `proxy`. */
  readonly hasProxy: boolean;
}

/** What came of one URL: the text that was read, or the name, code and message of what was thrown. */
type Outcome = readonly [kind: "read" | "threw", text: string];

/** A server that must not be reached, and what it saw. */
interface Secret {
  readonly port: number;
  connections: number;
  close(): void;
}

function openSecret(): Secret {
  const seen = { connections: 0 };
  const socket = {
    open: () => void (seen.connections += 1),
    data: (to: { end(text: string): unknown }) =>
      void to.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthe secret word"),
  };
  const four = Bun.listen({ hostname: "127.0.0.1", port: 0, socket });
  // The same port of version 6, where the machine has it.
  const six = (() => {
    try {
      return Bun.listen({ hostname: "::1", port: four.port, socket });
    } catch {
      return undefined;
    }
  })();
  return Object.assign(seen, {
    port: four.port,
    close() {
      four.stop(true);
      six?.stop(true);
    },
  });
}

function openDoor(): Bun.Server<undefined> {
  return Bun.serve({
    hostname: "0.0.0.0",
    port: 0,
    fetch(request) {
      const { searchParams } = new URL(request.url);
      const location = searchParams.get("to");
      if (location === null) return new Response("open word");
      const status = Number(searchParams.get("status"));
      return new Response(null, { status, headers: { location } });
    },
  });
}

/** Registers tests that try every hostile destination from inside a sandbox, by every way of the runtime. */
export function hostileSuite(name: string, options: HostileSuiteOptions): void {
  describe.if(Bun.which("bwrap") !== null)(
    `hostile destinations of ${name} (needs bubblewrap)`,
    () => {
      const { runtime, isolation = "process", ways } = options;
      let secret: Secret;
      let door: Bun.Server<undefined>;
      let made: ReturnType<HostileSuiteOptions["make"]>;
      let instance: Instance;
      let rebinds = 0;
      const logs: LogLine[] = [];

      beforeAll(async () => {
        secret = openSecret();
        door = openDoor();
        made = options.make({
          // 127.0.0.2 stands for a public address, which tests must not ask.
          privateAllow: [`open.test:${door.port}`, `127.0.0.2:${door.port}`],
          denied: () => ["198.51.100.7"],
          resolve: async (host) => {
            if (host === "rebind.test") return rebinds++ % 2 === 0 ? ["127.0.0.2"] : ["127.0.0.1"];
            const found = hostileNames[host];
            if (found === undefined) throw new Error(`no address for ${host}`);
            return found;
          },
        });
        instance = await startFunction(made.driver, options.source, { runtime, isolation, logs });
      }, 60_000);

      afterAll(async () => {
        await made.close();
        await door.stop(true);
        secret.close();
      });

      const attempt = async (
        way: string,
        urls: readonly string[],
        more: object = {},
      ): Promise<readonly Outcome[]> => {
        logs.length = 0;
        return (await callJson(instance, { way, urls, ...more })) as readonly Outcome[];
      };

      /** Nothing was read of the secret, and nothing has even connected to it. */
      const expectRefused = (urls: readonly string[], outcomes: readonly Outcome[]): void => {
        const wrong = outcomes.flatMap(([kind, text], at) =>
          kind === "read" && !/^HTTP\/1\.1 (?:400|403|502) /.test(text) ? [[urls[at], text]] : [],
        );
        expect(wrong).toEqual([]);
        expect(outcomes).toHaveLength(urls.length);
        expect(secret.connections).toBe(0);
      };

      test.each(ways)(
        "%s reaches what is open",
        async (way) => {
          const [outcome] = await attempt(way, [`http://open.test:${door.port}/`]);
          expect(outcome?.[1]).toContain("open word");
        },
        30_000,
      );

      test.each(ways)(
        "%s reaches none of the spellings, and most are denied by the relay",
        async (way) => {
          const urls = hostileDestinations.map(
            ({ spelling, port = secret.port }) => `http://${spelling}:${port}/`,
          );
          expect(urls.length).toBeGreaterThanOrEqual(40);
          const outcomes = await attempt(way, urls);
          expectRefused(urls, outcomes);
          const denied = outcomes.filter(([, text]) =>
            /egress_denied|Egress to .+ is denied/.test(text),
          );
          // The rest is no URL to the client, or its own loopback to it.
          expect(denied.length).toBeGreaterThanOrEqual(40);
          expect(
            logs.filter(({ message }) => /^Egress to .+ is denied/.test(message)).length,
          ).toBeGreaterThanOrEqual(40);
        },
        60_000,
      );

      test.each([301, 302, 303, 307, 308])(
        "a redirect by %d is followed to no closed place",
        async (status) => {
          const urls = hostileRedirects.map((to) => {
            const location = encodeURIComponent(to.replaceAll("SECRET", String(secret.port)));
            return `http://open.test:${door.port}/redirect?status=${status}&to=${location}`;
          });
          expectRefused(urls, await attempt(ways[0] ?? "", urls));
        },
        60_000,
      );

      test.each(ways)(
        "%s of a name that is bound anew is checked each time",
        async (way) => {
          rebinds = 0;
          const url = `http://rebind.test:${door.port}/`;
          const outcomes = await attempt(way, [url, url]);
          // Python asks for the address before it connects, so both of its attempts see the second one.
          expect(outcomes.filter(([, text]) => text.includes("open word")).length).toBeLessThan(2);
          expect(
            logs.filter(({ message }) => message.includes('"rebind.test')).length,
          ).toBeGreaterThan(0);
          expect(secret.connections).toBe(0);
        },
        30_000,
      );

      test.if(options.hasProxy)(
        "the proxy is talked into nothing",
        async () => {
          const heads = hostileProxyHeads.map((head) =>
            head.replaceAll("SECRET", String(secret.port)).replaceAll("OPEN", String(door.port)),
          );
          expectRefused(heads, await attempt("proxy", heads));
        },
        60_000,
      );

      test.each(ways)(
        "%s finds no way past the proxy by NO_PROXY",
        async (way) => {
          const hosts = ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.1.2.3"];
          const urls = hosts.map((host) => `http://${host}:${secret.port}/`);
          expectRefused(urls, await attempt(way, urls, { noProxy: true }));
        },
        60_000,
      );
    },
  );
}

/** The function of Bun, Node and Deno; `ways` are further entries of its table. */
export function hostileSource(ways = ""): string {
  return `
import http from "node:http";
import net from "node:net";
const question = (host) => "GET / HTTP/1.1\\r\\nHost: " + host + "\\r\\nConnection: close\\r\\n\\r\\n";
// As they stand in the URL: what the URL's own parser would have made plain is left as it is.
const partsOf = (url) => { const [, authority] = /^https?:\\/\\/([^/]*)/.exec(url); const [, host, port] = /^(.*):(\\d+)$/.exec(authority.replace(/^.*@/, "")); return { host: host.replace(/^\\[|\\]$/g, ""), port: Number(port) }; };
const read = (socket, first) => new Promise((resolve, reject) => {
  let text = "";
  socket.setTimeout?.(10_000, () => { resolve(text || "silence"); socket.destroy(); });
  socket.on("data", (chunk) => { text += chunk; }).on("error", reject).on("end", () => resolve(text)).on("close", () => text === "" ? reject(new Error("closed")) : resolve(text));
  socket.write(first);
});
const ways = {
  fetch: async (url) => { const response = await fetch(url); const text = await response.text(); if (!response.ok) throw new Error("status " + response.status + " " + text); return text; },
  "node:http": (url) => new Promise((resolve, reject) => {
    http.get(url, { agent: false }, (response) => { let text = ""; response.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text)).on("error", reject); }).on("error", reject);
  }),
  "node:net": (url) => { const { host, port } = partsOf(url); return read(net.connect(port, host), question(host)); },
  proxy: (head) => read(net.connect(3128, "127.0.0.1"), head + "\\r\\n\\r\\n"),
${ways}
};
export default { async fetch(request) {
  const { way, urls, noProxy } = await request.json();
  if (noProxy) {
    for (const name of ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"]) delete process.env[name];
    process.env.NO_PROXY = process.env.no_proxy = "*";
  }
  const outcomes = [];
  for (const url of urls) {
    try { outcomes.push(["read", String(await ways[way](url))]); }
    catch (error) { outcomes.push(["threw", [error.name, error.code, error.message].join(" ")]); }
  }
  return Response.json(outcomes);
} };`;
}
