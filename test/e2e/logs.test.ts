import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

/** Logs through a real server: attribution, and a follower that loses its connection. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

test("lines of 16 requests at once carry each request's own id", async () => {
  await server.deploy(
    "mixed",
    `export default { async fetch(request, ctx) {
      const me = new URL(request.url).searchParams.get("n");
      for (let i = 0; i < 5; i++) { console.log("line", me, i); ctx.log("ctx", me, i); process.stdout.write("raw " + me + " " + i + "\\n"); await new Promise((r) => setTimeout(r, 1)); }
      return new Response("ok"); } };`,
    { concurrency: { max_instances: 1, per_instance: 16, max_concurrency: 16 } },
  );
  await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      server
        .fetch(`/fn/v1/mixed?n=${n}`, { headers: { "x-request-id": `request-${n}` } })
        .then((r) => r.text()),
    ),
  );
  for (let n = 0; n < 16; n++) {
    const lines = await server.client.readLogs("mixed", { requestId: `request-${n}`, limit: 1000 });
    const spoken = lines
      .map((line) => line.message)
      .filter((text) => /^(line|ctx|raw) /.test(text));
    expect(spoken).toHaveLength(15);
    expect(spoken.every((text) => text.split(" ")[1] === String(n))).toBe(true);
  }
});

test("10,000 lines over a reconnect arrive once and in order", async () => {
  await server.deploy(
    "chatty",
    `export default { async fetch() { for (let i = 0; i < 10000; i++) { console.log("n" + i); if (i % 200 === 199) await new Promise((r) => setTimeout(r, 2)); } return new Response("ok"); } };`,
    { limits: { timeout_ms: 60000 } },
  );
  const seen: { seq: number; message: string }[] = [];
  const isMine = (message: string): boolean => /^n\d+$/.test(message) || /dropped/.test(message);
  const follow = async (signal: AbortSignal, enough: () => boolean): Promise<void> => {
    const after = seen.at(-1)?.seq;
    for await (const line of server.client.followLogs("chatty", {
      signal,
      ...(after === undefined ? {} : { after }),
    })) {
      if (isMine(line.message)) seen.push({ seq: line.seq, message: line.message });
      if (enough()) return;
    }
  };
  const first = new AbortController();
  const following = follow(first.signal, () => seen.length >= 3000);
  const answer = server.fetch("/fn/v1/chatty").then((response) => response.text());
  await following;
  first.abort();
  const second = new AbortController();
  const rest = follow(second.signal, () => seen.at(-1)?.message === "n9999");
  expect(await answer).toBe("ok");
  await rest;
  second.abort();
  const numbers = seen
    .filter((line) => !/dropped/.test(line.message))
    .map((line) => Number(line.message.slice(1)));
  expect(numbers).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  expect(seen.map((line) => line.seq)).toEqual(
    seen.map((line) => line.seq).toSorted((a, b) => a - b),
  );
});

test("an invocation's record has its status, duration, size and request id", async () => {
  await server.deploy(
    "counted",
    `export default { fetch: () => new Response("12345", { status: 201 }) };`,
  );
  await (
    await server.fetch("/fn/v1/counted", {
      method: "POST",
      body: "abc",
      headers: { "x-request-id": "counted-1" },
    })
  ).text();
  await until(
    "the record can be read",
    async () => (await server.client.listInvocations({ function: "counted" })).length > 0,
  );
  const [record] = await server.client.listInvocations({ function: "counted" });
  expect(record).toMatchObject({
    request_id: "counted-1",
    status: 201,
    method: "POST",
    cold: true,
    bytes_in: 3,
    bytes_out: 5,
    revision: 1,
  });
  expect(await server.client.getInvocation(record?.id ?? "")).toMatchObject({
    request_id: "counted-1",
  });
});
