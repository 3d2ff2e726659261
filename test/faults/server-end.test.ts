import { expect, test } from "bun:test";
import { rawConnection } from "../e2e/raw-http.ts";
import { startServer, type TestServer, until } from "../e2e/reactor.ts";

/** The server ends while invocations run: by order, and without one. */
const taking = `let begun = 0;
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === "/begun") return new Response(String(begun));
  begun += 1;
  if (pathname === "/whole") return new Response("took " + (await request.text()).length);
  const encoder = new TextEncoder();
  let said = false;
  return new Response(new ReadableStream({
    async pull(controller) {
      if (!said) controller.enqueue(encoder.encode("takes, "));
      else {
        controller.enqueue(encoder.encode("took " + (await request.text()).length));
        controller.close();
      }
      said = true;
    },
  }));
} };`;

/** Over what is gathered before a function is asked, so that it runs while its body comes. */
const bodyBytes = 100_000;
const half = "x".repeat(bodyBytes / 2);

const concurrency = { max_instances: 1, per_instance: 200, max_concurrency: 200 };

interface Client {
  readonly text: () => string;
  /** Sends what is left of the body. */
  readonly complete: () => void;
  readonly closed: Promise<void>;
}

/** Sends a request with half of its body. */
async function ask(server: TestServer, path: string): Promise<Client> {
  const socket = await rawConnection(server.port);
  let text = "";
  socket.on("error", () => undefined);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(
    `POST /fn/v1/taking${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${bodyBytes}\r\n\r\n${half}`,
  );
  return { text: () => text, complete: () => void socket.write(half), closed };
}

async function begun(server: TestServer): Promise<number> {
  return Number(await (await server.fetch("/fn/v1/taking/begun")).text());
}

function refusesConnections(server: TestServer): Promise<boolean> {
  return rawConnection(server.port).then(
    (socket) => {
      socket.destroy();
      return false;
    },
    () => true,
  );
}

test("SIGTERM with 100 requests in flight drains them all: none is cut, the server ends with 0", async () => {
  const server = await startServer();
  await server.deploy("taking", taking, { concurrency, limits: { timeout_ms: 60_000 } });
  const clients = await Promise.all(
    Array.from({ length: 100 }, (_, index) => ask(server, index % 2 === 0 ? "/whole" : "/stream")),
  );
  await until("all of them run", async () => (await begun(server)) === 100);
  server.signal("SIGTERM");
  await until("no new connection is taken", () => refusesConnections(server));
  for (const { complete } of clients) complete();
  await Promise.all(clients.map(({ closed }) => closed));
  const whole = clients.filter(({ text }) =>
    /^HTTP\/1\.1 200 [\s\S]*took 100000(?:\r\n0\r\n\r\n)?$/.test(text()),
  );
  expect(whole).toHaveLength(100);
  expect(await server.exited).toBe(0);
  await server.stop();
}, 60_000);

test("kill -9 in the middle of invocations breaks their connections: none gets an answer that looks whole", async () => {
  const server = await startServer();
  await server.deploy("taking", taking, { concurrency, limits: { timeout_ms: 60_000 } });
  const waiting = await Promise.all(Array.from({ length: 10 }, () => ask(server, "/whole")));
  const streaming = await Promise.all(Array.from({ length: 10 }, () => ask(server, "/stream")));
  await until("all of them run", async () => (await begun(server)) === 20);
  await until("the streams have begun", () =>
    streaming.every(({ text }) => text().includes("takes, ")),
  );
  server.signal("SIGKILL");
  await server.exited;
  await Promise.all([...waiting, ...streaming].map(({ closed }) => closed));
  expect(waiting.map(({ text }) => text())).toEqual(waiting.map(() => ""));
  for (const { text } of streaming) {
    expect(text()).toStartWith("HTTP/1.1 200 ");
    expect(text()).not.toContain("took");
    // Without the last chunk a client knows that it is not all.
    expect(text()).not.toMatch(/\r\n0\r\n/);
  }
  const again = await startServer({ dataDir: server.dataDir });
  expect(await begun(again)).toBe(0);
  await again.stop();
}, 60_000);
