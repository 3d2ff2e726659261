import { afterAll, beforeAll, expect, test } from "bun:test";
import { rawConnection } from "../e2e/raw-http.ts";
import { startServer, type TestServer } from "../e2e/reactor.ts";

/** Clients that go while their answer streams, one after the other, from a function with a single slot. */
let server: TestServer;

const leaves = 10;
/** From the end of the connection to the abort of the signal; the best of ten, as the machine may be busy. */
const abortMsMax = 100;

beforeAll(async () => {
  server = await startServer();
  await server.deploy(
    "streaming",
    `const aborted = [];
    export default { fetch(request) {
      if (new URL(request.url).pathname === "/aborted") return Response.json(aborted);
      request.signal.addEventListener("abort", () => aborted.push(Date.now()));
      let timer;
      return new Response(new ReadableStream({
        start(controller) { timer = setInterval(() => controller.enqueue(new Uint8Array(1000)), 5); },
        cancel() { clearInterval(timer); },
      }));
    } };`,
    { concurrency: { max_instances: 1, per_instance: 1, queue_ms: 20_000 } },
  );
});

afterAll(() => server.stop());

test("a client that goes in the middle of a stream: its signal is aborted within 100 ms and the slot is free", async () => {
  const left: number[] = [];
  let aborted: number[] = [];
  for (let client = 0; client < leaves; client++) {
    const socket = await rawConnection(server.port);
    const begun = new Promise((resolve) => socket.once("data", resolve));
    socket.write("GET /fn/v1/streaming/x HTTP/1.1\r\nHost: x\r\n\r\n");
    await begun;
    left.push(Date.now());
    socket.destroy();
    // The one slot must be free for this to be answered.
    aborted = (await (await server.fetch("/fn/v1/streaming/aborted")).json()) as number[];
  }
  expect(aborted).toHaveLength(leaves);
  const waits = aborted.map((atMs, index) => atMs - (left[index] ?? 0)).toSorted((a, b) => a - b);
  console.log(`signal aborted ${waits.join(", ")} ms after the client left`);
  expect(waits[0]).toBeLessThan(abortMsMax);
}, 30_000);
