import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer } from "../e2e/reactor.ts";

/** A function that takes all the memory it can get, of every kind, beside one that works. */
let server: TestServer;

const limitMb = 128;

const greedy = `import { writeFileSync } from "node:fs";
const kept = [];
const wait = () => new Promise((resolve) => setTimeout(resolve));
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/heap") for (;;) {
    kept.push(Array.from({ length: 10_000 }, (_, i) => ({ i, text: "x" + i })));
    await wait();
  }
  if (pathname === "/buffers") for (;;) { kept.push(Buffer.alloc(4 << 20, 1)); await wait(); }
  if (pathname === "/wasm") {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
    for (;;) {
      const before = memory.buffer.byteLength;
      memory.grow(64);
      new Uint8Array(memory.buffer, before).fill(1);
      await wait();
    }
  }
  if (pathname === "/tmp") {
    try {
      for (let file = 0; file < 4096; file++) writeFileSync("/tmp/" + file, Buffer.alloc(1 << 20, 1));
      return new Response("endless");
    } catch (error) { return new Response(error.code); }
  }
  return new Response("fine");
} };`;

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  for (const runtime of ["bun", "node"]) {
    await server.deploy(`greedy-${runtime}`, greedy, {
      runtime,
      limits: { memory_mb: limitMb, timeout_ms: 30_000 },
      concurrency: { max_instances: 1 },
    });
  }
  await server.deploy("victim", `export default { fetch: () => new Response("works") };`);
});

afterAll(() => server.stop());

async function victimWorks(): Promise<boolean> {
  return (await (await server.fetch("/fn/v1/victim")).text()) === "works";
}

describe.each(["bun", "node"])("on %s", (runtime) => {
  test.each(["heap", "buffers", "wasm"])(
    "memory in %s over the limit is 500 with limit and peak; the neighbour and the next call work",
    async (kind) => {
      const taking = server.fetch(`/fn/v1/greedy-${runtime}/${kind}`);
      while (Bun.peek.status(taking) === "pending") expect(await victimWorks()).toBe(true);
      const response = await taking;
      expect(response.status).toBe(500);
      expect(await response.json()).toMatchObject({
        error: {
          code: "function_crashed",
          details: { exit: { reason: "memory", limit_mb: limitMb, peak_mb: expect.any(Number) } },
        },
      });
      expect(await (await server.fetch(`/fn/v1/greedy-${runtime}`)).text()).toBe("fine");
    },
    60_000,
  );

  test("a full /tmp is the function's own error, and goes with its instance", async () => {
    const response = await server.fetch(`/fn/v1/greedy-${runtime}/tmp`);
    // What lies in /tmp is memory too: whichever bound is met first, it is one of the function's.
    const said = response.ok ? await response.text() : (await response.json()).error.code;
    expect(["ENOSPC", "function_crashed"]).toContain(said);
    expect(await victimWorks()).toBe(true);
    expect(await (await server.fetch(`/fn/v1/greedy-${runtime}`)).text()).toBe("fine");
  }, 60_000);
});
