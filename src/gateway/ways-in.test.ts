import { afterEach, describe, expect, test } from "bun:test";
import type { RawClient } from "../http/raw-client.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";

/** The first, the one that is remembered, and those that are found again. */
const times = 4;
const head = "GET /fn/v1/hello/x?y HTTP/1.1\r\nHost: a\r\nX-Reactor-Key: rk_good\r\nX-C: 1\r\n\r\n";
const keyed = { manifest: { access: "key" } } as const;
const keys = { rk_good: { scopes: ["functions:*:invoke"] } };

describe("a client that repeats its head on a connection", () => {
  let bench: GatewayBench;
  let client: RawClient;
  afterEach(async () => {
    client.destroy();
    await bench.close();
  });

  /** Sends the request `times` times; the function numbers its answers. */
  async function repeat(): Promise<{ url: string; headers: readonly string[] }[]> {
    const seen: { url: string; headers: readonly string[] }[] = [];
    bench = await GatewayBench.open([keyed], { keys });
    bench.driver.handler = (call) => {
      seen.push({ url: call.head.url, headers: call.head.headers });
      call.respond(200, ["X-A", "1"], `answer ${seen.length}`);
    };
    client = await bench.raw();
    for (let i = 1; i <= times; i++) {
      client.write(head);
      await client.until(`answer ${i}`);
    }
    return seen;
  }

  test("gets a request id of its own for each request, and the function sees equal requests", async () => {
    const seen = await repeat();
    const ids = seen.map(({ headers }) => headers.at(-1));
    expect(new Set(ids).size).toBe(times);
    expect([...client.text.matchAll(/X-Request-Id: (\S+)/g)].map(([, id]) => id)).toEqual(ids);
    for (const { url, headers } of seen) {
      expect(url).toBe("http://a/x?y");
      expect(headers.slice(0, -1)).toEqual((seen[0]?.headers ?? []).slice(0, -1));
    }
  });

  test("gets the plan in force: a function that was disabled answers no more", async () => {
    await repeat();
    bench.apply([{ ...keyed, enabled: false }], keys);
    client.write(head);
    await client.until("function_disabled");
  });

  test("may not pass any more once its key is revoked", async () => {
    await repeat();
    bench.apply([keyed], {});
    client.write(head);
    await client.until("auth_required");
  });
});
