import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer, type TestServer } from "./reactor.ts";

const source = `export default { fetch: () => new Response("here") };`;

let dataDir: string;
let server: TestServer | undefined;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reactor-tiers-"));
});

afterEach(async () => {
  await server?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Stops the server and starts one over the same data with these arguments. */
async function restart(...args: string[]): Promise<TestServer> {
  await server?.stop({ keepData: true });
  server = undefined;
  server = await startServer({ dataDir, args });
  return server;
}

test.if(Bun.which("bwrap") !== null)(
  "a function that demands a sandbox is not served by a server without one, and is again with one",
  async () => {
    const strong = await restart();
    await strong.deploy("guarded", source, { min_tier: 1 });
    await strong.deploy("any", source);
    expect(await (await strong.fetch("/fn/v1/guarded")).text()).toBe("here");
    const given = await strong.client.getFunction("guarded");
    expect(given.tier?.level).toBeGreaterThanOrEqual(1);
    const { instances } = await strong.client.getFunctionRuntime("guarded");
    expect(instances.map(({ tier }) => tier)).toEqual([given.tier?.level ?? null]);

    expect(strong.output()).not.toContain("IS NOT SERVED");

    const weak = await restart("--sandbox", "off");
    expect(weak.output()).toContain("FUNCTION default:guarded@1 IS NOT SERVED: min_tier is 1");
    expect(weak.output()).not.toContain("default:any");
    const refused = await weak.fetch("/fn/v1/guarded");
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      error: {
        code: "deployment_not_ready",
        message: expect.stringContaining("min_tier is 1 (sandbox)"),
        details: { min_tier: 1, tier: 0 },
      },
    });
    expect(await (await weak.fetch("/fn/v1/any")).text()).toBe("here");
    const shown = await weak.cli("functions", "get", "guarded");
    expect(shown.stdout).toContain("0 (process), min_tier 1 is not met");
    expect(await weak.client.getFunction("guarded")).toMatchObject({
      tier: { level: 0, name: "process" },
      min_tier: 1,
    });

    const again = await restart();
    expect(await (await again.fetch("/fn/v1/guarded")).text()).toBe("here");
  },
  60_000,
);

test("a deploy and a draft that demand more than the machine gives are refused with the remedy", async () => {
  const started = await restart();
  const manifest = JSON.stringify({ name: "vault", min_tier: 3 });
  const files = new Map([
    ["index.ts", Buffer.from(source)],
    ["reactor.json", Buffer.from(manifest)],
  ]);
  const deploying = started.client.deploy("vault", { files, promote: true, createFunction: true });
  const refused: unknown = await deploying.catch((error: unknown) => error);
  expect(refused).toMatchObject({
    code: "unsupported_runtime",
    message: expect.stringContaining('only isolation "microvm" has tier 3 (microvm)'),
  });
  const list = await started.client.listFunctions();
  expect(list.items).toEqual([]);
  const draft = await started.fetch("/api/v1/playground/run", {
    method: "POST",
    headers: { authorization: `Bearer ${started.key}`, "content-type": "application/json" },
    body: JSON.stringify({ files: { "index.ts": source, "reactor.json": manifest } }),
  });
  expect(await draft.json()).toMatchObject({ error: { code: "unsupported_runtime" } });
}, 60_000);
