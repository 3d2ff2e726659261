import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import type { LogLine } from "../../domain/invocation.ts";
import type { EgressDenial } from "../../domain/egress-decision.ts";
import type { Instance } from "../driver.ts";
import { callJson, startFunction } from "../suite/call.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";

/** Opens as many connections as it is told to and keeps them; says how many stood and why the others did not. */
const flooder = `
import net from "node:net";
const open = [];
export default { async fetch(request) {
  const { host, port, count } = await request.json();
  const codes = {};
  const one = () => new Promise((resolve) => {
    const socket = net.connect(port, host);
    const done = (code) => { codes[code] = (codes[code] ?? 0) + 1; resolve(); };
    // The other side says a word, so that what stands is no mere local end.
    socket.once("data", () => { open.push(socket); done("open"); });
    socket.on("error", (error) => done(error.code));
  });
  // As many at a time as it has descriptors for.
  for (let left = count; left > 0; left -= 250) {
    await Promise.all(Array.from({ length: Math.min(left, 250) }, one));
  }
  return Response.json(codes);
} };`;

const victim = `
export default { async fetch(request) {
  const { url } = await request.json();
  return Response.json(await (await fetch(url)).text());
} };`;

describe.if(Bun.which("bwrap") !== null)("a flood of connections (needs bubblewrap)", () => {
  const sockets = new Set<Socket>();
  let server: Server;
  let word: Bun.Server<undefined>;
  let port = 0;
  let made: ReturnType<typeof createTestDriver>;
  const logs: LogLine[] = [];
  const denials: EgressDenial[] = [];

  beforeAll(async () => {
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
      socket.resume().write("word");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
    word = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("word") });
    made = createTestDriver({
      blanksMax: 0,
      egress: {
        privateAllow: [`open.test:${port}`, `open.test:${word.port}`],
        resolve: () => Promise.resolve(["127.0.0.1"]),
      },
    });
  });

  afterAll(async () => {
    await made.close();
    await word.stop(true);
    server.close();
  });

  const start = (source: string): Promise<Instance> =>
    startFunction(made.driver, source, {
      runtime: "bun",
      logs,
      onEgressDenied: (denial) => void denials.push(denial),
    });

  const allGone = async (): Promise<void> => {
    while (sockets.size > 0) await new Promise(setImmediate);
  };

  test("of 10,000 is refused beyond the limit, and another function works all the while", async () => {
    const [attacker, other] = await Promise.all([start(flooder), start(victim)]);
    const flooding = callJson(attacker, { host: "open.test", port, count: 10_000 });
    const over = flooding.then(() => true);
    const url = `http://open.test:${word.port}/`;
    do expect(await callJson(other, { url })).toBe("word");
    while (!(await Promise.race([over, Promise.resolve(false)])));
    expect(await flooding).toEqual({ open: 100, egress_limit: 9900 });
    expect(sockets.size).toBe(100);
    expect(denials.filter(({ reason }) => reason === "connections").length).toBeGreaterThan(0);
    // The log has a budget of its own, and says what it dropped.
    expect(logs.length).toBeLessThan(10_000);
    await Promise.all([attacker.stop({ graceMs: 0 }), other.stop({ graceMs: 0 })]);
    await allGone();
  }, 60_000);

  test("leaves nothing open when the instance is killed", async () => {
    const instance = await start(flooder);
    expect(await callJson(instance, { host: "open.test", port, count: 50 })).toEqual({ open: 50 });
    expect(sockets.size).toBe(50);
    for (const pid of instance.pids) process.kill(pid, "SIGKILL");
    await instance.exit;
    await allGone();
  }, 30_000);
});
