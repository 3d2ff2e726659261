/**
 * CPU time of the guest per request, by response kind: `bun bench/micro/guest.ts [path of a Node]`.
 * Without a path it is Bun's guest. The test harness plays the host with 64 requests in flight; the guest reports its own CPU time, so the host's cost
 * is not in the figures (the kernel's share of the guest's socket calls is).
 */
import { GuestHarness } from "../../src/drivers/guest/guest.harness.ts";
import { buildNodeGuest } from "../../src/drivers/node/build-guest.ts";

const code = `
const cases = {
  json: async (request) => Response.json(await request.json()),
  text: async (request) => new Response(await request.text()),
  sync: () => new Response("hello"),
  bytes: async (request) => new Response(new Uint8Array(await request.arrayBuffer())),
  unnoted: async (request) => Response.json(await request.json()).clone(),
  stream: async (request) => new Response(new ReadableStream({ start(c) { c.enqueue("x".repeat(1000)); c.close(); } })),
  logged: async (request) => { console.log("a line"); return Response.json(await request.json()); },
  ctx: async (request, ctx) => { ctx.requestId; ctx.remainingMs(); return Response.json(await request.json()); },
};
export default {
  fetch(request, ctx) {
    const name = request.headers.get("x-case");
    if (name === "cpu") { const { user, system } = process.cpuUsage(); return Response.json({ user, system, rss: process.memoryUsage.rss() }); }
    return cases[name](request, ctx);
  },
};`;

const body = Buffer.from(JSON.stringify({ name: "Reactor", fill: "x".repeat(1000) }));
const common = [
  "host",
  "localhost:8080",
  "user-agent",
  "bench",
  "accept",
  "*/*",
  "content-type",
  "application/json",
  "content-length",
  String(body.length),
];
const concurrency = 64;
const requests = 40_000;

async function run(guest: GuestHarness, name: string, count: number): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const exchange = guest.request({ body, headers: [...common, "x-case", name] });
      exchange.keep = false;
      const failure = await exchange.outcome;
      if (failure !== undefined) throw new Error(failure.message);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

interface Usage {
  readonly user: number;
  readonly system: number;
}

async function usage(guest: GuestHarness): Promise<Usage> {
  const used: Usage = JSON.parse(await guest.text({ headers: ["x-case", "cpu"] }));
  return used;
}

const [binary] = process.argv.slice(2);
const node = binary && { fileName: "guest.cjs", build: buildNodeGuest, binary };
await using guest = await GuestHarness.start(code, node ? { guest: node } : {});
console.log("case      user µs  system µs  (per request, guest process)");
for (const name of ["json", "text", "sync", "bytes", "unnoted", "stream", "logged", "ctx"]) {
  await run(guest, name, 10_000);
  const before = await usage(guest);
  await run(guest, name, requests);
  const after = await usage(guest);
  const user = (after.user - before.user) / requests;
  const system = (after.system - before.system) / requests;
  console.log(`${name.padEnd(8)} ${user.toFixed(2).padStart(8)} ${system.toFixed(2).padStart(10)}`);
}
