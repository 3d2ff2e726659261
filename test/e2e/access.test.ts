import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { goodClaims, issuerName, TestIssuer } from "../../src/gateway/jwt/issuer.harness.ts";
import { type ServerOptions, startServer, type TestServer } from "./reactor.ts";

const whoAmI = "export default { fetch: (request, ctx) => Response.json(ctx.caller ?? null) };";
const issuer = new TestIssuer();
let server: TestServer;

function settings(env: Record<string, string> = {}): ServerOptions {
  return {
    env: {
      REACTOR_JWT_ISSUER: issuerName,
      REACTOR_JWT_AUDIENCE: "reactor",
      REACTOR_JWT_JWKS_URLS: issuer.url,
      REACTOR_JWT_CLAIMS: "tenant",
      ...env,
    },
  };
}

beforeAll(async () => {
  await issuer.addKey("rsa", "RS256");
  await issuer.addKey("ec", "ES256");
  const { host } = new URL(issuer.url);
  server = await startServer(settings({ REACTOR_EGRESS_PRIVATE_ALLOW: host }));
  await server.deploy("guarded", whoAmI, { access: "jwt" });
});
afterAll(async () => {
  await server.stop();
  await issuer.close();
});

async function invoke(kid: string, path = "/fn/v1/guarded", from = server): Promise<Response> {
  const token = await issuer.sign(kid, goodClaims(Date.now(), { tenant: "acme" }));
  return from.fetch(path, { headers: { authorization: `Bearer ${token}` } });
}

/** What a promise that must reject says. */
async function messageOf(failing: Promise<unknown>): Promise<string> {
  try {
    await failing;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("it did not fail");
}

describe("a function with access jwt", () => {
  test.each(["rsa", "ec"])("is reached with a token signed by the issuer's %s key", async (kid) => {
    const response = await invoke(kid);
    expect([response.status, await response.json()]).toEqual([
      200,
      { kind: "jwt", id: "ann", issuer: issuerName, claims: { tenant: "acme" } },
    ]);
  });

  test("is not reached with the admin key, an old token, or none", async () => {
    const key = { headers: { authorization: `Bearer ${server.key}` } };
    expect((await server.fetch("/fn/v1/guarded", key)).status).toBe(401);
    const old = await issuer.sign("ec", goodClaims(Date.now() - 3_600_000));
    const headers = { authorization: `Bearer ${old}` };
    const refused = await server.fetch("/fn/v1/guarded", { headers });
    const { error } = (await refused.json()) as { error: { details: unknown } };
    expect([refused.status, error.details]).toEqual([401, { reason: "expired" }]);
    expect((await server.fetch("/fn/v1/guarded")).status).toBe(401);
  });
});

test("keys on a private address are fetched only when the operator opened it", async () => {
  const closed = await startServer(settings());
  await closed.deploy("guarded", whoAmI, { access: "jwt" });
  const before = issuer.fetches;
  const response = await invoke("ec", "/fn/v1/guarded", closed);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: "auth_unavailable" } });
  expect(closed.output()).toContain("egress.private_allow");
  expect(issuer.fetches).toBe(before);
  await closed.stop();
});

test("without an issuer a manifest with access jwt is refused, and half of the settings stop the start", async () => {
  const plain = await startServer();
  const deployed = plain.deploy("guarded", whoAmI, { access: "jwt" });
  expect(await messageOf(deployed)).toContain("jwt.issuer");
  await plain.stop();
  const half = startServer({
    env: { REACTOR_JWT_ISSUER: issuerName, REACTOR_JWT_SECRET: "short" },
  });
  expect(await messageOf(half)).toMatch(/jwt\.secret is shorter[^]*without jwt\.audience/);
});

describe("API keys", () => {
  test("end when they are revoked: the next request is refused", async () => {
    await server.deploy("keyed", whoAmI, { access: "key" });
    const scopes = ["functions:keyed:invoke"];
    const { key, id } = await server.client.createKey({ name: "short", scopes });
    const headers = { "x-reactor-key": key };
    expect((await server.fetch("/fn/v1/keyed", { headers })).status).toBe(200);
    await server.client.revokeKey(id);
    expect((await server.fetch("/fn/v1/keyed", { headers })).status).toBe(401);
  });

  test("that are guessed get 429 while the right one passes", async () => {
    const guess = (key: string): Promise<Response> =>
      server.fetch("/fn/v1/keyed", { headers: { "x-reactor-key": key } });
    const statuses = new Set<number>();
    for (let i = 0; i < 40; i++) statuses.add((await guess(`rk_${i}`)).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await guess(server.key)).status).toBe(200);
    const headers = { authorization: `Bearer ${server.key}` };
    const metrics = await (await server.fetch("/metrics", { headers })).text();
    expect(metrics).toMatch(/reactor_refusals_total\{code="too_many_requests"\} [1-9]/);
    expect(metrics).toMatch(/reactor_refusals_total\{code="auth_required"\} [1-9]/);
  });
});
