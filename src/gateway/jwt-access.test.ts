import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { silentLog } from "../base/log.ts";
import type { ErrorEnvelope } from "../domain/errors.ts";
import type { FunctionChanges } from "../serving/plan-builder.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";
import { audience, type Claims, goodClaims, issuerName, TestIssuer } from "./jwt/issuer.harness.ts";
import { createJwtVerifier } from "./jwt/jwt-verifier.ts";

let issuer: TestIssuer;
let bench: GatewayBench;
/** Holds back the answer with the keys; `asked` resolves once somebody waits for it. */
let gate: { asked: () => void; open: Promise<void> } | undefined;

function holdKeys(): { readonly asked: Promise<void>; resolve(): void } {
  const asked = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  gate = { asked: asked.resolve, open: opened.promise };
  return { asked: asked.promise, resolve: opened.resolve };
}

const guarded: FunctionChanges = { manifest: { access: "jwt" } };

beforeEach(async () => {
  issuer = new TestIssuer();
  await issuer.addKey("ec");
  gate = undefined;
  bench = await GatewayBench.open([guarded], {
    jwt: (clock) =>
      createJwtVerifier({
        rules: {
          issuer: issuerName,
          audiences: [audience],
          secret: undefined,
          jwksUrls: [issuer.url],
          algorithms: ["ES256"],
          leewaySecs: 0,
          claims: ["tenant"],
        },
        async fetchJwks(url, signal) {
          gate?.asked();
          await gate?.open;
          return new Uint8Array(await (await fetch(url, { signal })).arrayBuffer());
        },
        clock,
        log: silentLog,
      }),
  });
  bench.driver.handler = (call) => {
    const { caller, headers } = call.head;
    const authorization = headers.findIndex((name) => name.toLowerCase() === "authorization");
    const answer = (): void =>
      call.respond(
        200,
        ["content-type", "application/json"],
        JSON.stringify({
          caller: caller === "" ? null : JSON.parse(caller),
          authorization: headers[authorization + 1] !== undefined && authorization >= 0,
          body: call.body,
        }),
      );
    if (call.bodyEnded) answer();
    else call.onBody = answer;
  };
});
afterEach(async () => {
  await bench.close();
  await issuer.close();
});

async function token(changes: Claims = {}): Promise<string> {
  return issuer.sign("ec", goodClaims(bench.serving.clock.now(), changes));
}

function invoke(bearer: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${bearer}` };
  return bench.fetch("/fn/v1/hello", { ...init, headers });
}

async function errorOf(response: Response): Promise<ErrorEnvelope["error"]> {
  return ((await response.json()) as ErrorEnvelope).error;
}

test("a function is told the token's subject, issuer and named claims, and never the token", async () => {
  const bearer = await token({ tenant: "acme", email: "ann@example.com" });
  const caller = { kind: "jwt", id: "ann", issuer: issuerName, claims: { tenant: "acme" } };
  for (const body of ["", "new", "known"]) {
    const init = body === "" ? {} : { method: "POST", body };
    const response = await invoke(bearer, init);
    expect(await response.json()).toEqual({ caller, authorization: false, body });
  }
});

test("with forward_authorization it gets the header as well", async () => {
  bench.apply([{ manifest: { access: "jwt", forwardAuthorization: true } }]);
  expect(await (await invoke(await token())).json()).toMatchObject({ authorization: true });
});

describe("401 says why", () => {
  test("no token, and an API key in its place", async () => {
    const bare = await bench.fetch("/fn/v1/hello");
    expect(bare.headers.get("www-authenticate")).toContain("Bearer");
    expect(await errorOf(bare)).toMatchObject({
      code: "auth_required",
      details: { reason: "missing" },
    });
    const key = { headers: { "x-reactor-key": "rk_good" } };
    expect((await bench.fetch("/fn/v1/hello", key)).status).toBe(401);
  });

  test("an expired one, another audience's", async () => {
    const nowSecs = Math.floor(bench.serving.clock.now() / 1000);
    for (const [changes, reason] of [
      [{ exp: nowSecs - 1 }, "expired"],
      [{ aud: "other" }, "audience"],
    ] as const) {
      const response = await invoke(await token(changes));
      expect(response.status).toBe(401);
      expect((await errorOf(response)).details).toEqual({ reason });
    }
  });

  test("a server without an issuer", async () => {
    const other = await GatewayBench.open([guarded]);
    const response = await other.fetch("/fn/v1/hello", { headers: { authorization: "Bearer x" } });
    expect((await errorOf(response)).message).toContain("jwt.issuer");
    await other.close();
  });
});

test("policies see the token's claims", async () => {
  const policies = {
    tenant: { kind: "cel", expression: 'caller.kind == "jwt" && caller.claims.tenant == "acme"' },
  } as const;
  bench.apply([{ ...guarded, policies }]);
  expect((await invoke(await token({ tenant: "acme" }))).status).toBe(200);
  expect((await invoke(await token({ tenant: "evil" }))).status).toBe(403);
  expect((await invoke(await token())).status).toBe(403);
});

describe("while a token is being checked", () => {
  test("the plan may change: the request is judged by the one that is then in force", async () => {
    const keys = holdKeys();
    const pending = invoke(await token(), { method: "POST", body: "x".repeat(100_000) });
    await keys.asked;
    bench.apply([{ ...guarded, enabled: false }]);
    keys.resolve();
    expect((await pending).status).toBe(503);
  });

  test("a client that leaves starts nothing", async () => {
    const keys = holdKeys();
    const client = await bench.raw();
    client.write(
      `GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${await token()}\r\n\r\n`,
    );
    await keys.asked;
    client.destroy();
    await client.closed;
    // A later request on another connection is handled after the server has seen the end.
    expect((await bench.fetch("/fn/v1/health")).status).toBe(200);
    keys.resolve();
    expect((await invoke(await token())).status).toBe(200);
    expect(bench.serving.records.length).toBe(1);
  });

  test("a body that is large waits and arrives whole", async () => {
    const body = "y".repeat(1_000_000);
    const response = await invoke(await token(), { method: "POST", body });
    expect(((await response.json()) as { body: string }).body).toBe(body);
  });

  test("the next request of the connection waits its turn", async () => {
    const client = await bench.raw();
    const bearer = await token();
    const head = `GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bearer}\r\n`;
    client.write(
      `${head}X-Request-Id: one\r\n\r\n${head}X-Request-Id: two\r\nConnection: close\r\n\r\n`,
    );
    await client.closed;
    expect(client.text.match(/X-Request-Id: \w+/g)).toEqual([
      "X-Request-Id: one",
      "X-Request-Id: two",
    ]);
  });
});

describe("an address that sends wrong credentials", () => {
  test("gets 429 with Retry-After after 20 in a minute, and right ones pass all the while", async () => {
    const good = await token();
    for (let i = 0; i < 20; i++) expect((await invoke(`guess${i}`)).status).toBe(401);
    const limited = await invoke("guess20");
    expect(limited.status).toBe(429);
    expect(limited.headers.get("retry-after")).toBe("60");
    expect((await errorOf(limited)).code).toBe("too_many_requests");
    // Both a token that was seen and one that was not.
    expect((await invoke(good)).status).toBe(200);
    expect((await invoke(await token({ sub: "bob" }))).status).toBe(200);
    // No credential is no guess.
    expect((await bench.fetch("/fn/v1/hello")).status).toBe(401);
    await bench.serving.clock.advance(60_000);
    expect((await invoke("guess21")).status).toBe(401);
  });

  test("is the client's own behind a trusted proxy, so that others are not counted with it", async () => {
    const other = await GatewayBench.open([{ manifest: { access: "key" } }], {
      settings: { trustedProxies: ["127.0.0.1"], failuresPerMinute: 2 },
      keys: { rk_good: { scopes: ["functions:*:invoke"] } },
    });
    const ask = async (key: string, client: string): Promise<number> => {
      const headers = { "x-reactor-key": key, "x-forwarded-for": client };
      return (await other.fetch("/fn/v1/hello", { headers })).status;
    };
    const wrong = ["rk_1", "rk_2", "rk_3"];
    const statuses = [];
    for (const key of wrong) statuses.push(await ask(key, "192.0.2.1"));
    expect(statuses).toEqual([401, 401, 429]);
    expect(await ask("rk_4", "192.0.2.2")).toBe(401);
    expect(await ask("rk_good", "192.0.2.1")).toBe(200);
    await other.close();
  });

  test("a key without the scope is no guess: 403 as often as it asks", async () => {
    const other = await GatewayBench.open([{ manifest: { access: "key" } }], {
      settings: { failuresPerMinute: 1 },
      keys: { rk_narrow: { scopes: ["functions:other:invoke"] } },
    });
    const headers = { "x-reactor-key": "rk_narrow" };
    for (let i = 0; i < 3; i++) {
      expect((await other.fetch("/fn/v1/hello", { headers })).status).toBe(403);
    }
    await other.close();
  });
});

test("a key that expires is refused from that moment, also where it was used before", async () => {
  const other = await GatewayBench.open([{ manifest: { access: "key" } }], {
    keys: { rk_good: { scopes: ["functions:*:invoke"], expiresAtMs: 0 } },
  });
  const expiresAtMs = other.serving.clock.now() + 1000;
  other.apply([{ manifest: { access: "key" } }], {
    rk_good: { scopes: ["functions:*:invoke"], expiresAtMs },
  });
  const headers = { "x-reactor-key": "rk_good" };
  const statusOf = async (): Promise<number> =>
    (await other.fetch("/fn/v1/hello", { headers })).status;
  expect(await statusOf()).toBe(200);
  await other.serving.clock.advance(999);
  expect(await statusOf()).toBe(200);
  await other.serving.clock.advance(1);
  expect(await statusOf()).toBe(401);
  await other.close();
});
