import { afterEach, describe, expect, test } from "bun:test";
import type { ErrorEnvelope } from "../domain/errors.ts";
import type { ManifestRoute } from "../domain/route.ts";
import type { ManifestChanges } from "../serving/plan-builder.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";

const open: GatewayBench[] = [];
/** Requests that reached a function. */
let calls = 0;

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

type Claim = readonly [method: ManifestRoute["method"], path: string];

interface Function extends Omit<ManifestChanges, "route"> {
  readonly route?: Claim;
  readonly project?: string;
}

/** A gateway with functions by name; each answers with what it saw. */
async function gateway(
  functions: Readonly<Record<string, Function>>,
  more: Parameters<typeof GatewayBench.open>[1] = {},
): Promise<GatewayBench> {
  const changes = Object.entries(functions).map(([name, { route, project, ...manifest }]) => ({
    name,
    ...(project === undefined ? {} : { project }),
    manifest: {
      ...manifest,
      ...(route === undefined ? {} : { route: { method: route[0], path: route[1] } }),
    },
  }));
  const bench = await GatewayBench.open(changes, more);
  open.push(bench);
  calls = 0;
  bench.driver.handler = (call) => {
    calls += 1;
    const { method, url, headers } = call.head;
    const seen = JSON.stringify({ method, url, headers });
    call.respond(200, ["content-type", "application/json"], seen);
  };
  return bench;
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
}

async function seenBy(response: Response): Promise<Seen> {
  expect(response.status).toBe(200);
  return (await response.json()) as Seen;
}

function headerOf({ headers }: Seen, name: string): string | undefined {
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}

async function errorOf(response: Response): Promise<ErrorEnvelope["error"]> {
  return ((await response.json()) as ErrorEnvelope).error;
}

describe("a route at the server's root", () => {
  test("leads to its function, which sees the path as it was asked for", async () => {
    const bench = await gateway({ create: { route: ["POST", "/todos"] } });
    const response = await bench.fetch("/todos?x=/../1", { method: "POST", body: "{}" });
    expect(response.headers.get("x-reactor-function")).toBe("create@1");
    const seen = await seenBy(response);
    expect(seen.url).toBe(`http://127.0.0.1:${bench.port}/todos?x=/../1`);
    expect(headerOf(seen, "x-forwarded-prefix")).toBeUndefined();
  });

  test("with another method is 405 with Allow and no function's name", async () => {
    const bench = await gateway({
      list: { route: ["GET", "/todos"] },
      create: { route: ["POST", "/todos"] },
    });
    for (const method of ["DELETE", "OPTIONS", "PURGE"]) {
      const response = await bench.fetch("/todos", { method });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, HEAD, POST");
      expect(response.headers.get("x-reactor-function")).toBeNull();
      expect((await errorOf(response)).code).toBe("method_not_allowed");
    }
    expect((await bench.fetch("/todos", { method: "HEAD" })).status).toBe(200);
  });

  test("hands the function its parameters, and no client can send them", async () => {
    const bench = await gateway({ show: { route: ["GET", "/todos/:id/notes/:note"] } });
    const headers = { "x-reactor-route-params": "id=forged" };
    const seen = await seenBy(await bench.fetch("/todos/a%2Fb/notes/7+", { headers }));
    const params = headerOf(seen, "x-reactor-route-params");
    expect(params).toBe("id=a%2Fb&note=7%2B");
    expect(Object.fromEntries(new URLSearchParams(params))).toEqual({ id: "a/b", note: "7+" });
    const plain = await seenBy(await bench.fetch("/fn/v1/show/x", { headers }));
    expect(headerOf(plain, "x-reactor-route-params")).toBeUndefined();
  });

  test("never hides what the server keeps for itself, in whatever spelling", async () => {
    const bench = await gateway({
      all: { route: ["ANY", "/:a"] },
      deep: { route: ["ANY", "/:a/:b"] },
    });
    for (const path of [
      "/api",
      "/api/v1",
      "/API/v1",
      "/metrics",
      "/metrics?x=1",
      "/health",
      "/stats",
      "/scripts",
      "/deploy",
      "/delete/x",
      "/console/x",
      "/mcp",
      "/.well-known/x",
      "/favicon.ico",
      "/fn/v1",
      "/fn/x",
    ]) {
      expect(await (await bench.fetch(path)).text()).toBe(`fallback ${path}`);
    }
    expect((await bench.fetch("/invoke/none", { method: "POST" })).status).toBe(404);
    expect((await bench.fetch("/fn/v1/health")).status).toBe(200);
  });

  test("takes no path that a URL parser would read otherwise", async () => {
    const bench = await gateway({
      one: { route: ["ANY", "/:a"] },
      two: { route: ["ANY", "/:a/:b"] },
    });
    for (const target of ["/x/..", "/./x", "/x/%2e%2E", "/%2e", "/x\\y", "/x#y", "/x/.%2e?z"]) {
      const text = await bench.send(
        `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      );
      expect(text).toStartWith("HTTP/1.1 400 ");
    }
    const other = await bench.send("GET //x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(other).toContain("fallback //x");
  });

  test("is checked like every way in: access, body size, disabled, WebSocket, service worker", async () => {
    const route = ["ANY", "/x"] as const;
    const keyed = await gateway(
      { x: { route, access: "key", limits: { bodyInBytesMax: 4 } } },
      { keys: { rk_good: { scopes: ["functions:x:invoke"] }, rk_other: { scopes: [] } } },
    );
    const status = async (headers: Record<string, string>, body?: string) =>
      (await keyed.fetch("/x", { method: "POST", headers, ...(body && { body }) })).status;
    expect(await status({})).toBe(401);
    expect(await status({ "x-reactor-key": "rk_other" })).toBe(403);
    const good = { "x-reactor-key": "rk_good" };
    expect(await status(good)).toBe(200);
    expect(await status(good, "12345")).toBe(413);
    expect(await status({ ...good, "service-worker": "script" })).toBe(403);
    keyed.apply([
      { name: "x", enabled: false, manifest: { route: { method: "ANY", path: "/x" } } },
    ]);
    const disabled = await keyed.fetch("/x");
    expect([disabled.status, (await errorOf(disabled)).code]).toEqual([503, "function_disabled"]);
    keyed.apply([]);
    expect(await (await keyed.fetch("/x")).text()).toBe("fallback /x");
  });

  test("is looked up under the plan in force on a connection that repeats its head", async () => {
    const bench = await gateway({ a: { route: ["GET", "/x"] } });
    const client = await bench.raw();
    for (let i = 0; i < 3; i++) client.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("a@1");
    bench.apply([{ name: "b", manifest: { route: { method: "GET", path: "/x" } } }]);
    client.write("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("b@1");
    client.destroy();
  });

  test("answers under its project: by host, by header, and default without either", async () => {
    const bench = await gateway({
      home: { route: ["GET", "/x"] },
      shop: { route: ["GET", "/x"], project: "shop" },
    });
    const served = async (headers: Record<string, string>) => {
      const response = await bench.fetch("/x", { headers });
      return response.headers.get("x-reactor-function") ?? (await response.text());
    };
    expect(await served({})).toBe("home@1");
    expect(await served({ "x-reactor-project": "shop" })).toBe("shop@1");
    expect(await served({ host: "shop.localhost:80" })).toBe("shop@1");
    expect(await served({ host: "SHOP.localhost." })).toBe("shop@1");
    expect(await served({ host: "default.localhost" })).toBe("home@1");
    expect(await served({ host: "none.localhost" })).toBe("fallback /x");
    expect(await served({ host: "shop.localhost", "x-reactor-project": "default" })).toBe(
      "fallback /x",
    );
    expect(await served({ host: "a.shop.localhost" })).toBe("home@1");
    expect((await bench.fetch("/x", { headers: { host: "shop.fn.localhost" } })).status).toBe(404);
  });
});

describe("CORS of a function with settings", () => {
  const cors = {
    origins: ["https://app.example.com"],
    methods: undefined,
    headers: ["content-type"],
    exposeHeaders: ["x-request-id"],
    credentials: true,
    maxAgeSecs: 60,
  };
  const origin = "https://app.example.com";
  const preflight = (method: string, from = origin) => ({
    method: "OPTIONS",
    headers: { origin: from, "access-control-request-method": method },
  });

  test("a preflight is answered by the gateway, without a key and without the function", async () => {
    const bench = await gateway({ x: { route: ["POST", "/x"], access: "key", cors } });
    const response = await bench.fetch("/x", preflight("POST"));
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "POST",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "60",
      vary: "Origin",
      "x-reactor-function": "x@1",
    });
    expect(calls).toBe(0);
  });

  test("holds on every way in; those that take every method allow all", async () => {
    const bench = await gateway({ x: { cors } });
    for (const [path, host] of [
      ["/fn/v1/x/y", "a"],
      ["/y", "x.fn.localhost"],
    ] as const) {
      const asked = preflight("DELETE");
      const response = await bench.fetch(path, { ...asked, headers: { ...asked.headers, host } });
      expect(response.headers.get("access-control-allow-methods")).toBe(
        "GET, HEAD, POST, PUT, PATCH, DELETE",
      );
    }
  });

  test("another origin's preflight is refused with what would allow it", async () => {
    const bench = await gateway({ x: { route: ["POST", "/x"], cors } });
    for (const from of ["https://evil.example", "https://app.example.com.evil.example", "null"]) {
      const response = await bench.fetch("/x", preflight("POST", from));
      expect(response.status).toBe(403);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect((await errorOf(response)).message).toContain("cors.origins");
    }
  });

  test("a preflight for a method that the path has not is 405; without settings it is too", async () => {
    const bench = await gateway({
      x: { route: ["POST", "/x"], cors },
      y: { route: ["POST", "/y"] },
    });
    expect((await bench.fetch("/x", preflight("DELETE"))).status).toBe(405);
    expect((await bench.fetch("/y", preflight("POST"))).status).toBe(405);
    expect(calls).toBe(0);
  });

  test("answers and refusals alike let the page read them, and what the function says is dropped", async () => {
    const bench = await gateway({ x: { route: ["POST", "/x"], access: "public", cors } });
    bench.driver.handler = (call) =>
      call.respond(200, ["Access-Control-Allow-Origin", "*", "Vary", "Accept", "X-A", "1"], "ok");
    const headers = { origin };
    const ok = await bench.fetch("/x", { method: "POST", headers });
    expect(ok.headers.get("access-control-allow-origin")).toBe(origin);
    expect(ok.headers.get("access-control-expose-headers")).toBe("x-request-id");
    expect(ok.headers.get("vary")).toBe("Accept, Origin");
    expect(ok.headers.get("x-a")).toBe("1");
    const stranger = await bench.fetch("/x", {
      method: "POST",
      headers: { origin: "https://evil.example" },
    });
    expect(stranger.status).toBe(200);
    expect(stranger.headers.get("access-control-allow-origin")).toBeNull();
    expect(stranger.headers.get("vary")).toContain("Origin");
    const plain = await bench.fetch("/x", { method: "POST" });
    expect(plain.headers.get("access-control-allow-origin")).toBeNull();
    const keyed = await gateway({ x: { route: ["POST", "/x"], access: "key", cors } });
    const refused = await keyed.fetch("/x", { method: "POST", headers });
    expect(refused.status).toBe(401);
    expect(refused.headers.get("access-control-allow-origin")).toBe(origin);
  });

  test("every origin is told so, and never with credentials", async () => {
    const wide = { ...cors, origins: ["*"], credentials: false };
    const bench = await gateway({ x: { route: ["POST", "/x"], cors: wide } });
    const response = await bench.fetch("/x", { method: "POST", headers: { origin } });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    expect(response.headers.get("vary")).toBeNull();
  });

  test("without settings the function's own headers pass, and OPTIONS reaches it below /fn/v1", async () => {
    const bench = await gateway({ x: {} });
    bench.driver.handler = (call) => call.respond(200, ["Access-Control-Allow-Origin", "*"], "own");
    const response = await bench.fetch("/fn/v1/x", preflight("POST"));
    expect(await response.text()).toBe("own");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("a rate limit", () => {
  const limit = { requests: 2, periodMs: 60_000, by: "caller" } as const;
  const proxied = (address: string, key?: string) => ({
    headers: { "x-forwarded-for": address, ...(key && { "x-reactor-key": key }) },
  });
  const settings = { trustedProxies: ["127.0.0.1"] };

  test("answers 429 with Retry-After for one client and lets others pass, on every way in", async () => {
    const bench = await gateway({ x: { route: ["GET", "/x"], rateLimit: limit } }, { settings });
    const status = async (path: string, address: string) =>
      (await bench.fetch(path, proxied(address))).status;
    expect(await status("/x", "1.1.1.1")).toBe(200);
    expect(await status("/fn/v1/x", "1.1.1.1")).toBe(200);
    const over = await bench.fetch("/x", proxied("1.1.1.1"));
    expect([over.status, over.headers.get("retry-after")]).toEqual([429, "30"]);
    const { code, details } = await errorOf(over);
    expect([code, details["rate_limit"]]).toEqual([
      "too_many_requests",
      { requests: 2, period_secs: 60, by: "caller" },
    ]);
    expect(await status("/fn/v1/x", "1.1.1.1")).toBe(429);
    expect(await status("/x", "1.1.1.2")).toBe(200);
    await bench.serving.clock.advance(30_000);
    expect(await status("/x", "1.1.1.1")).toBe(200);
    expect(await status("/x", "1.1.1.1")).toBe(429);
  });

  test("counts a client's whole IPv6 network as one", async () => {
    const bench = await gateway({ x: { rateLimit: limit } }, { settings });
    const status = async (address: string) =>
      (await bench.fetch("/fn/v1/x", proxied(address))).status;
    expect(await status("2001:db8:0:1::1")).toBe(200);
    expect(await status("2001:db8:0:1::2")).toBe(200);
    expect(await status("2001:db8:0:1:ffff::3")).toBe(429);
    expect(await status("2001:db8:0:2::1")).toBe(200);
  });

  test("counts each key by itself, or each address whoever calls", async () => {
    const keys = {
      rk_a: { keyId: "key_a", scopes: ["*"] },
      rk_b: { keyId: "key_b", scopes: ["*"] },
    };
    const byCaller = await gateway({ x: { access: "key", rateLimit: limit } }, { settings, keys });
    const byAddress = await gateway(
      { x: { access: "key", rateLimit: { ...limit, by: "address" } } },
      { settings, keys },
    );
    const status = async (bench: GatewayBench, address: string, key: string) =>
      (await bench.fetch("/fn/v1/x", proxied(address, key))).status;
    for (const bench of [byCaller, byAddress]) {
      expect(await status(bench, "1.1.1.1", "rk_a")).toBe(200);
      expect(await status(bench, "1.1.1.1", "rk_a")).toBe(200);
    }
    expect(await status(byCaller, "9.9.9.9", "rk_a")).toBe(429);
    expect(await status(byCaller, "1.1.1.1", "rk_b")).toBe(200);
    expect(await status(byAddress, "9.9.9.9", "rk_a")).toBe(200);
    expect(await status(byAddress, "1.1.1.1", "rk_b")).toBe(429);
  });

  test("goes on counting when the plan changes, and anew when the limit does", async () => {
    const manifest = { rateLimit: limit };
    const bench = await gateway({ x: manifest });
    const status = async () => (await bench.fetch("/fn/v1/x")).status;
    expect([await status(), await status(), await status()]).toEqual([200, 200, 429]);
    bench.apply([{ name: "x", manifest: { rateLimit: { ...limit } } }, { name: "y" }]);
    expect(await status()).toBe(429);
    bench.apply([{ name: "x", manifest: { rateLimit: { ...limit, requests: 3 } } }]);
    expect(await status()).toBe(200);
  });

  test("does not count what access refused", async () => {
    const keys = { rk_good: { scopes: ["*"] } };
    const bench = await gateway({ x: { access: "key", rateLimit: limit } }, { keys });
    const status = async (key: string) =>
      (await bench.fetch("/fn/v1/x", { headers: { "x-reactor-key": key } })).status;
    for (let i = 0; i < 4; i++) expect(await status("rk_wrong")).toBe(401);
    expect([await status("rk_good"), await status("rk_good")]).toEqual([200, 200]);
    expect(await status("rk_good")).toBe(429);
  });
});
