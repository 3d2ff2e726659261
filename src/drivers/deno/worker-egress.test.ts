import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Server } from "bun";
import type { Instance } from "../driver.ts";
import { callJson, startFunction } from "../suite/call.harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";

/**
 * Tries every port on loopback that listens, as a neighbour would who looks for another's way out: a
 * worker of the worker's own has Deno's connect as it was before the guest routed it.
 */
const nested = `
const say = async (port, text) => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(text));
  const buffer = new Uint8Array(4096);
  const bytes = await connection.read(buffer);
  connection.close();
  return new TextDecoder().decode(buffer.subarray(0, bytes ?? 0));
};
onmessage = async ({ data: { target, from, to } }) => {
  const head = "CONNECT " + target + " HTTP/1.1\\r\\nHost: " + target + "\\r\\n";
  const guess = "Proxy-Authorization: Basic d29ya2VyOmd1ZXNz\\r\\n";
  const answers = {};
  for (let port = from; port < to; port++) {
    const bare = await say(port, head + "\\r\\n").catch(() => undefined);
    if (bare === undefined) continue;
    answers[port] = [bare, await say(port, head + guess + "\\r\\n").catch(String)];
  }
  postMessage(answers);
};
postMessage("up");`;
const prowler = `
const nested = ${JSON.stringify(nested)};
export default { async fetch(request) {
  const worker = new Worker(URL.createObjectURL(new Blob([nested], { type: "text/javascript" })), { type: "module" });
  const heard = () => new Promise((resolve, reject) => { worker.onmessage = ({ data }) => resolve(data); worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); }; });
  await heard();
  const answered = heard();
  worker.postMessage(await request.json());
  const answers = await answered;
  worker.terminate();
  return Response.json(answers);
} };`;

/** Opens one slow node:net connection at a time, whose port is open while it connects. */
const owner = `
import net from "node:net";
export default { async fetch(request) {
  const { host, port } = await request.json();
  const text = await new Promise((resolve, reject) => {
    let text = "";
    const socket = net.connect(port, host, () => socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n"));
    socket.on("data", (chunk) => { text += chunk; }).on("end", () => resolve(text)).on("error", reject);
  });
  return Response.json(text.includes("open word"));
} };`;

describe.if(Bun.which("bwrap") !== null)("ways out of workers (needs bubblewrap)", () => {
  let server: Server<undefined>;
  let made: ReturnType<typeof createTestWorkerDriver>;
  let allowed: Instance;
  let closed: Instance;

  beforeAll(async () => {
    server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("open word") });
    made = createTestWorkerDriver({
      blanksMax: 0,
      egress: {
        privateAllow: [`open.test:${server.port}`],
        resolve: () => Promise.resolve(["127.0.0.1"]),
      },
    });
    const options = { isolation: "worker" } as const;
    allowed = await startFunction(made.driver, owner, { ...options, deploymentId: "dep_owner" });
    closed = await startFunction(made.driver, prowler, {
      ...options,
      deploymentId: "dep_prowler",
      egressAllow: ["nowhere.test"],
    });
  });

  afterAll(async () => {
    await made.close();
    await server.stop(true);
  });

  test("a worker that reaches the port of another's proxy is refused without its password", async () => {
    expect(allowed.pids).toEqual(closed.pids);
    const target = `open.test:${server.port}`;
    const own = (await callJson(closed, { target, from: 3128, to: 3129 })) as object;
    // The port of the proxy variables is there, and hangs up.
    expect(Object.values(own).flat().join()).not.toContain("200");
    const answers = (await callJson(closed, { target, from: 32_768, to: 61_000 })) as Record<
      string,
      readonly string[]
    >;
    const heads = Object.values(answers).flat();
    // Twice its own and twice its neighbour's. What else answers is the prowler itself: a connection
    // to the very port that the system drew for its own end.
    expect(heads.filter((head) => head.startsWith("HTTP/1.1 407 "))).toHaveLength(4);
    expect(heads.join()).not.toContain("HTTP/1.1 200");
  }, 60_000);

  test("a port for one connection takes no other", async () => {
    const target = `open.test:${server.port}`;
    const prowling = callJson(closed, { target, from: 32_768, to: 61_000 });
    for (let i = 0; i < 50; i++) {
      expect(await callJson(allowed, { host: "open.test", port: server.port })).toBe(true);
    }
    const answers = (await prowling) as Record<string, readonly string[]>;
    expect(Object.values(answers).flat().join()).not.toContain("HTTP/1.1 200");
  }, 60_000);
});
