import { createServer, type Server, type Socket } from "node:net";
import type { Tries } from "../attacker.ts";
import { judgeTries } from "../judge-tries.ts";
import type { Observation, Probe } from "../probe.ts";
import type { ProbeWorld } from "../probe-world.ts";
import { warningsOf } from "../warnings-of.ts";

const metadataAddress = "169.254.169.254";

export const networkProbes: readonly Probe[] = [
  {
    name: "loopback",
    tries: "connects to a service on this machine's loopback, in many spellings",
    tier: 1,
    async run(world) {
      await using bait = await openBait({ host: "127.0.0.1", port: 0 });
      const { port } = bait;
      const hosts = ["127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1", "::1"];
      const numbers = ["127.0.0.1", "2130706433", "0x7f000001", "127.1", "0177.0.0.1"];
      const attacker = await world.common();
      const sockets = await attacker.answer<Tries>("connect", {
        targets: Object.fromEntries(hosts.map((host) => [host, { host, port }])),
      });
      const urls = numbers.map((host) => `http://${host}:${port}/`);
      const fetches = await attacker.answer<Tries>("fetch", { urls, text: "hello" });
      return byHits(bait.hits, { ...sockets, ...fetches });
    },
  },
  {
    name: "metadata",
    tries: `connects to the cloud's metadata address ${metadataAddress}`,
    tier: 1,
    run: reachMetadata,
  },
  {
    name: "admin-port",
    tries: "asks the admin API on the port that serves it",
    tier: 1,
    async run(world) {
      const { port } = new URL(world.server.client.url);
      const hosts = ["127.0.0.1", "localhost", "0.0.0.0", "127.1", "[::ffff:127.0.0.1]"];
      const urls = hosts.map((host) => `http://${host}:${port}/api/v1/health`);
      const attacker = await world.common();
      return judgeTries(await attacker.answer<Tries>("fetch", { urls, text: '"runtimes"' }));
    },
  },
  {
    name: "abstract-sockets",
    // Node takes such names since version 22 only.
    runtimes: ["bun", "deno", "python"],
    tries: "connects to an abstract Unix socket of this machine",
    tier: 1,
    async run(world) {
      const path = `\0${world.mark}`;
      await using bait = await openBait({ path });
      const attacker = await world.common();
      const tries = await attacker.answer<Tries>("connect", { targets: { abstract: { path } } });
      return byHits(bait.hits, tries);
    },
  },
];

interface Bait extends AsyncDisposable {
  readonly port: number;
  /** Connections that it took. */
  readonly hits: number;
}

/** A service that greets whoever reaches it. */
async function openBait(
  place: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<Bait> {
  let hits = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    hits += 1;
    sockets.add(socket);
    // Whoever leaves early has been counted.
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(place, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get hits() {
      return hits;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The service knows better than the attacker whether it was reached. */
function byHits(hits: number, tries: Tries): Observation {
  if (hits === 0) return judgeTries(tries);
  return {
    held: false,
    found: `it was reached ${hits} times in ${Object.keys(tries).length} tries`,
  };
}

/**
 * Most machines have nobody at that address, so that nothing came of it proves nothing: the relay
 * must have refused it, which it says in the function's log.
 */
async function reachMetadata(world: ProbeWorld): Promise<Observation> {
  const attacker = await world.common();
  const targets = { socket: { host: metadataAddress, port: 80 } };
  const url = `http://${metadataAddress}/latest/meta-data/`;
  const tries = {
    ...(await attacker.answer<Tries>("connect", { targets })),
    ...(await attacker.answer<Tries>("fetch", { urls: [url], text: "" })),
  };
  const judged = judgeTries(tries);
  if ("untried" in judged || !judged.held) return judged;
  const wanted = Object.keys(tries).length;
  const refusals = (messages: readonly string[]): number =>
    messages.filter((message) => message.includes(metadataAddress)).length;
  const logged = await warningsOf(world, attacker, (messages) => refusals(messages) >= wanted);
  if (refusals(logged) >= wanted)
    return { held: true, found: `${wanted} tries refused and logged` };
  return { held: false, found: `nobody refused it, ${judged.found}` };
}
