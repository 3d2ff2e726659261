import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "./reactor.ts";

/** Tries the destinations of the request's body and says how each ended. */
const source = `
export default { async fetch(request) {
  const urls = await request.json();
  const outcomes = [];
  for (const url of urls) {
    try { outcomes.push((await fetch(url, { redirect: "manual" })).status); }
    catch (error) { outcomes.push(String(error.code ?? error.cause?.code ?? error.name)); }
  }
  return Response.json(outcomes);
} };`;

// Only the sandbox has no network of its own; without it nothing forces a function through the relay.
describe.if(Bun.which("bwrap") !== null)("denials (needs bubblewrap)", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ env: { REACTOR_EGRESS_CONNECTIONS_MAX: "8" } });
    await server.deploy("prober", source, { access: "public" });
  }, 60_000);
  afterAll(() => server.stop());

  const probe = async (urls: readonly string[]): Promise<unknown> =>
    (await server.fetch("/fn/v1/prober", { method: "POST", body: JSON.stringify(urls) })).json();

  test("are in the log, in the metrics, in the API and in `runtime get`", async () => {
    await probe([
      "http://169.254.169.254/latest/meta-data/",
      "http://169.254.169.254/latest/meta-data/",
      `http://127.0.0.1:${server.port}/api/v1/system`,
    ]);
    const { egress, state } = await server.client.getFunctionRuntime("prober");
    expect(state).toBe("active");
    expect(egress.denied).toBe(3);
    expect(
      egress.recent.map(({ host, port, reason, count }) => [host, port, reason, count]),
    ).toEqual([
      ["127.0.0.1", server.port, "private_address", 1],
      ["169.254.169.254", 80, "private_address", 2],
    ]);
    const shown = await server.cli("runtime", "get", "prober");
    expect(shown.stdout).toMatch(/egress denied +3/);
    expect(shown.stdout).toMatch(/169\.254\.169\.254 +80 +2 .*egress\.private_allow/);
    const headers = { authorization: `Bearer ${server.key}` };
    const metrics = await (await server.fetch("/metrics", { headers })).text();
    expect(metrics).toContain(
      'reactor_egress_denied_total{project="default",function="prober",reason="private_address"} 3',
    );
    const logs = await server.cli("functions", "logs", "prober");
    expect(logs.stdout).toContain('Egress to "169.254.169.254:80" is denied');
    expect(logs.stdout).toContain(`Egress to "127.0.0.1:${server.port}" is denied`);
  }, 60_000);

  test("in a flood are counted, and the latest 32 are kept", async () => {
    const before = (await server.client.getFunctionRuntime("prober")).egress.denied;
    const urls = Array.from({ length: 1000 }, (_, i) => `http://10.0.${i >> 8}.${i & 255}/`);
    await probe(urls);
    const { egress } = await server.client.getFunctionRuntime("prober");
    expect(egress.denied - before).toBe(1000);
    expect(egress.recent).toHaveLength(32);
    expect(egress.recent[0]?.host).toBe("10.0.3.231");
  }, 60_000);
});
