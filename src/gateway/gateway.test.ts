import { afterEach, describe, expect, test } from "bun:test";
import type { ErrorEnvelope } from "../domain/errors.ts";
import type { ApiKeyPlan, FunctionPlan } from "../domain/plan.ts";
import { testIdentities } from "../http/test-identities.harness.ts";
import type { TlsIdentity } from "../http/tls-identity.ts";
import type { FunctionChanges } from "../serving/plan-builder.harness.ts";
import type { ScriptedCall } from "../serving/scripted-driver.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

const open: GatewayBench[] = [];

async function gateway(
  functions: readonly (FunctionPlan | FunctionChanges)[] = [{}],
  options: {
    settings?: Partial<GatewaySettings>;
    tls?: TlsIdentity;
    keys?: Readonly<Record<string, Partial<ApiKeyPlan>>>;
  } = {},
): Promise<GatewayBench> {
  const bench = await GatewayBench.open(functions, options);
  open.push(bench);
  return bench;
}

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

async function errorOf(response: Response): Promise<ErrorEnvelope["error"]> {
  expect(response.headers.get("content-type")).toBe("application/json");
  return ((await response.json()) as ErrorEnvelope).error;
}

/** Answers with what the function saw. */
function mirror(call: ScriptedCall): void {
  const answer = (): void => {
    const { method, url, headers } = call.head;
    const body = JSON.stringify({
      method,
      url,
      headers,
      body: call.body,
      caller: call.head.caller,
    });
    call.respond(200, ["content-type", "application/json"], body);
  };
  if (call.bodyEnded) answer();
  else call.onBody = answer;
}

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly caller: string;
}

describe("the order of checks", () => {
  const key = { keys: { rk_good: { scopes: ["functions:*:invoke"] } } };

  test("404 comes first and has no X-Reactor-Function", async () => {
    const bench = await gateway([]);
    const response = await bench.fetch("/fn/v1/nope");
    expect(response.status).toBe(404);
    expect(response.headers.get("x-reactor-function")).toBeNull();
    expect(await errorOf(response)).toMatchObject({ code: "function_not_found", status: 404 });
  });

  test("503 function_disabled comes before not ready and before access", async () => {
    const bench = await gateway([{ enabled: false, aliases: {}, manifest: { access: "key" } }]);
    const response = await bench.fetch("/fn/v1/hello");
    expect([response.status, (await errorOf(response)).code]).toEqual([503, "function_disabled"]);
  });

  test("503 deployment_not_ready has Retry-After and comes before access", async () => {
    const bench = await gateway([{ aliases: {}, manifest: { access: "key" } }]);
    const response = await bench.fetch("/fn/v1/hello");
    expect(response.headers.get("retry-after")).toBe("1");
    expect([response.status, (await errorOf(response)).code]).toEqual([
      503,
      "deployment_not_ready",
    ]);
  });

  test("401 comes before the body's size", async () => {
    const bench = await gateway([{ manifest: { access: "key", limits: { bodyInBytesMax: 1 } } }]);
    const response = await bench.fetch("/fn/v1/hello", { method: "POST", body: "too large" });
    expect(response.headers.get("www-authenticate")).toStartWith("Bearer");
    expect([response.status, (await errorOf(response)).code]).toEqual([401, "auth_required"]);
  });

  test("413 comes before concurrency", async () => {
    const full = { perInstance: 1, maxInstances: 1, queueMs: 0 };
    const bench = await gateway([
      { manifest: { concurrency: full, limits: { bodyInBytesMax: 4 } } },
    ]);
    bench.driver.handler = () => {};
    const holding = await bench.raw();
    holding.write("GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n\r\n");
    const large = await bench.fetch("/fn/v1/hello", { method: "POST", body: "12345" });
    expect([large.status, (await errorOf(large)).code]).toEqual([413, "payload_too_large"]);
    const small = await bench.fetch("/fn/v1/hello", { method: "POST", body: "1234" });
    expect(small.headers.get("retry-after")).toBe("1");
    expect([small.status, (await errorOf(small)).code]).toEqual([429, "too_many_requests"]);
    holding.destroy();
  });

  test("a key that may invoke passes, in Authorization or in X-Reactor-Key", async () => {
    const bench = await gateway([{ manifest: { access: "key" } }], key);
    bench.driver.handler = mirror;
    for (const headers of [{ authorization: "Bearer rk_good" }, { "x-reactor-key": "rk_good" }]) {
      const response = await bench.fetch("/fn/v1/hello", { headers });
      expect(response.status).toBe(200);
      const seen = (await response.json()) as Seen;
      expect(JSON.parse(seen.caller)).toEqual({ kind: "key", id: "key_1", name: "test" });
      expect(JSON.stringify(seen.headers)).not.toContain("rk_good");
    }
  });
});

describe("access", () => {
  const keyed: FunctionChanges = { manifest: { access: "key" } };
  const table: [string, Partial<ApiKeyPlan>, number][] = [
    ["a key for every function", { scopes: ["functions:*:*"] }, 200],
    ["a key for this function", { scopes: ["functions:hello:invoke"] }, 200],
    ["a key of the project", { project: "default", scopes: ["functions:*:invoke"] }, 200],
    ["a key for another function", { scopes: ["functions:other:invoke"] }, 403],
    ["a key that may only deploy", { scopes: ["functions:hello:deploy"] }, 403],
    ["a key of another project", { project: "shop", scopes: ["*"] }, 403],
    ["a key that is over", { scopes: ["*"], expiresAtMs: 1_600_000_000_000 }, 401],
  ];
  for (const [name, plan, status] of table) {
    test(`${name} gets ${status}`, async () => {
      const bench = await gateway([keyed], { keys: { rk_x: plan } });
      const headers = { authorization: "Bearer rk_x" };
      expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(status);
    });
  }

  for (const header of ["Bearer rk_wrong", "Basic rk_x", "rk_x", "Bearer", "Bearer "]) {
    test(`${JSON.stringify(header)} gets 401`, async () => {
      const bench = await gateway([keyed], { keys: { rk_x: { scopes: ["*"] } } });
      const response = await bench.fetch("/fn/v1/hello", { headers: { authorization: header } });
      expect(response.status).toBe(401);
    });
  }

  test("a credential or a project that is said twice counts for nothing, whichever comes last", async () => {
    const bench = await gateway([keyed], { keys: { rk_x: { scopes: ["*"] } } });
    const right = { "X-Reactor-Key": "rk_x", "X-Reactor-Project": "default" };
    const status = async (lines: readonly string[]): Promise<string> => {
      const head = ["GET /fn/v1/hello HTTP/1.1", "Host: a", "Connection: close", ...lines];
      return (await bench.send(`${head.join("\r\n")}\r\n\r\n`)).slice(9, 12);
    };
    const said = (headers: object): string[] =>
      Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    expect(await status(said(right))).toBe("200");
    for (const [line, wrong] of [
      ["X-Reactor-Key: rk_wrong", "401"],
      ["X-Reactor-Key: rk_x", "401"],
      ["X-Reactor-Project: shop", "404"],
    ] as const) {
      expect([line, await status([...said(right), line])]).toEqual([line, wrong]);
      expect([line, await status([line, ...said(right)])]).toEqual([line, wrong]);
    }
    const bearer = "Authorization: Bearer rk_x";
    expect(await status([bearer])).toBe("200");
    expect(await status(["Authorization: Basic dTpw", bearer])).toBe("401");
  });

  test("undefined access means a key under serve and nobody's business under dev", async () => {
    const undecided: FunctionChanges = { manifest: { access: undefined } };
    const serve = await gateway([undecided]);
    expect((await serve.fetch("/fn/v1/hello")).status).toBe(401);
    const dev = await gateway([undecided], { settings: { mode: "dev" } });
    expect((await dev.fetch("/fn/v1/hello")).status).toBe(200);
  });

  test("a key that expires while it is remembered stops working", async () => {
    const expiresAtMs = 1_700_000_000_000 + 1000;
    const bench = await gateway([keyed], { keys: { rk_x: { scopes: ["*"], expiresAtMs } } });
    const headers = { "x-reactor-key": "rk_x" };
    expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(200);
    await bench.serving.clock.advance(1000);
    expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(401);
  });

  test("a key that the next plan lacks stops working when the plan is applied", async () => {
    const bench = await gateway([keyed], { keys: { rk_x: { scopes: ["*"] } } });
    const headers = { "x-reactor-key": "rk_x" };
    expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(200);
    bench.apply([keyed]);
    expect((await bench.fetch("/fn/v1/hello", { headers })).status).toBe(401);
  });

  test("under dev a changing request of another site is refused, and any request for a foreign name", async () => {
    const bench = await gateway([{}], { settings: { mode: "dev" } });
    const post = async (headers: Record<string, string>): Promise<number> =>
      (await bench.fetch("/fn/v1/hello", { method: "POST", headers })).status;
    expect(await post({})).toBe(200);
    expect(await post({ origin: "http://localhost:3000" })).toBe(200);
    expect(await post({ origin: "http://evil.example" })).toBe(403);
    expect(await post({ origin: "null" })).toBe(403);
    expect(await post({ host: "evil.example" })).toBe(403);
    expect(await post({ "sec-fetch-site": "cross-site" })).toBe(403);
    expect(await post({ "sec-fetch-site": "cross-site, same-origin" })).toBe(403);
    expect(await post({ "sec-fetch-site": "same-site" })).toBe(200);
    const get = async (headers: Record<string, string>): Promise<number> =>
      (await bench.fetch("/fn/v1/hello", { headers })).status;
    expect(await get({ host: "evil.example" })).toBe(403);
    expect(await get({ host: "localhost.evil.example" })).toBe(403);
    // What a page shows of another, such as an image, is asked for across sites.
    expect(await get({ "sec-fetch-site": "cross-site" })).toBe(200);
  });
});

describe("what the function sees", () => {
  async function seen(path: string, init: RequestInit = {}, bench?: GatewayBench): Promise<Seen> {
    const used = bench ?? (await gateway());
    used.driver.handler = mirror;
    return (await (await used.fetch(path, init)).json()) as Seen;
  }

  function header(request: Seen, name: string): string | undefined {
    const at = request.headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name);
    return at < 0 ? undefined : request.headers[at + 1];
  }

  test("the prefix is stripped from the URL and told beside it", async () => {
    const bench = await gateway();
    const request = await seen("/fn/v1/hello/a/b?c=d", { method: "PUT", body: "x" }, bench);
    expect(request.url).toBe(`http://127.0.0.1:${bench.port}/a/b?c=d`);
    expect([request.method, request.body]).toEqual(["PUT", "x"]);
    expect(header(request, "x-forwarded-prefix")).toBe("/fn/v1/hello");
    expect(header(request, "x-forwarded-proto")).toBe("http");
    expect(header(request, "x-forwarded-host")).toBe(`127.0.0.1:${bench.port}`);
    expect(header(request, "x-forwarded-for")).toBe("127.0.0.1");
    expect(header(request, "host")).toBe(`127.0.0.1:${bench.port}`);
  });

  test("on a function host every path is the function's and there is no prefix", async () => {
    const request = await seen("/fn/v1/x", { headers: { host: "hello.fn.localhost:8080" } });
    expect(request.url).toBe("http://hello.fn.localhost:8080/fn/v1/x");
    expect(header(request, "x-forwarded-prefix")).toBeUndefined();
  });

  test("forwarding headers of a client that is no trusted proxy are replaced", async () => {
    const headers = {
      "x-forwarded-for": "6.6.6.6",
      "x-forwarded-host": "evil",
      forwarded: "for=6.6.6.6",
    };
    const request = await seen("/fn/v1/hello", { headers });
    expect(JSON.stringify(request)).not.toContain("6.6.6.6");
    expect(JSON.stringify(request)).not.toContain("evil");
  });

  test("a trusted proxy's are believed and extended", async () => {
    const bench = await gateway([{}], { settings: { trustedProxies: ["127.0.0.0/8"] } });
    const headers = {
      "x-forwarded-for": "1.2.3.4",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "shop.example",
    };
    const request = await seen("/fn/v1/hello", { headers }, bench);
    expect(request.url).toBe("https://shop.example/");
    expect(header(request, "x-forwarded-for")).toBe("1.2.3.4, 127.0.0.1");
  });

  test("over TLS the URL and the forwarded scheme are https", async () => {
    const [identity] = testIdentities;
    const bench = await gateway([{}], { tls: identity });
    bench.driver.handler = mirror;
    const response = await fetch(`https://127.0.0.1:${bench.port}/fn/v1/hello/x`, {
      tls: { ca: identity.cert },
    });
    const request = (await response.json()) as Seen;
    expect(request.url).toBe(`https://127.0.0.1:${bench.port}/x`);
    expect(header(request, "x-forwarded-proto")).toBe("https");
  });

  test("Authorization is forwarded only when the manifest says so", async () => {
    const headers = { authorization: "Basic abc" };
    expect(header(await seen("/fn/v1/hello", { headers }), "authorization")).toBeUndefined();
    const bench = await gateway([{ manifest: { forwardAuthorization: true } }]);
    expect(header(await seen("/fn/v1/hello", { headers }, bench), "authorization")).toBe(
      "Basic abc",
    );
  });

  test("a well-formed request id is kept; any other is replaced", async () => {
    const bench = await gateway();
    bench.driver.handler = mirror;
    const ask = async (id: string): Promise<string | null> =>
      (await bench.fetch("/fn/v1/hello", { headers: { "x-request-id": id } })).headers.get(
        "x-request-id",
      );
    expect(await ask("abc-1.2_3")).toBe("abc-1.2_3");
    expect(await ask("bad id")).toStartWith("inv_");
    expect(await ask("x".repeat(129))).toStartWith("inv_");
  });

  test("X-Reactor-Project selects the project", async () => {
    const bench = await gateway([{}, { name: "cart", project: "shop" }]);
    bench.driver.handler = mirror;
    const headers = { "x-reactor-project": "shop" };
    expect((await bench.fetch("/fn/v1/cart", { headers })).status).toBe(200);
    expect((await bench.fetch("/fn/v1/cart")).status).toBe(404);
    expect((await bench.fetch("/fn/v1/shop:cart")).status).toBe(200);
  });
});
