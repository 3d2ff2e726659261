/**
 * Entry of a worker in a pod. Connects to the host over the pod's Unix socket, gives the permission
 * for that back and serves one function, as the guest of a process does.
 */
import { EgressRefusals } from "../guest/egress-refusals.ts";
import type { Guest } from "../guest/guest.ts";
import { createDenoGuest } from "./deno-guest.ts";
import { routeDenoConnections } from "./guest-connect.ts";
import { routeDenoLookups } from "./guest-lookups.ts";
import { type EgressListener, listenForEgress } from "./guest-egress.ts";
import { failRefusedFetches } from "./guest-fetch.ts";
import type { WorkerBirth } from "./pod-messages.ts";
import { confineExits, endWorker } from "./worker-exit.ts";
import { proxyUser, routeFetchThroughEgress } from "./worker-fetch.ts";
import { measureOwnMemory } from "./worker-memory.ts";

async function main(birth: WorkerBirth): Promise<void> {
  const own = createDenoGuest({ exit: (code) => endWorker({ code }), egress: () => egress });
  confineExits(() => own.sendLastWords());
  const connection = await own.connect(birth.socketPath);
  const egress = birth.hasEgress ? openEgress(own.guest) : undefined;
  own.serve(connection, birth.token);
}

/** Opens this worker's own way out, which others in the pod can reach but not use. */
function openEgress(guest: Guest): EgressListener {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const authorization = `Basic ${Buffer.from(`${proxyUser}:${password}`).toString("base64")}`;
  const refusals = new EgressRefusals();
  const openStream: Guest["openStream"] = (listener) => guest.openStream(listener);
  const egress = listenForEgress({ openStream, authorization, refusals }, 0);
  routeDenoConnections({ port: egress.port, authorization });
  routeFetchThroughEgress({ port: egress.port, password });
  failRefusedFetches(refusals);
  routeDenoLookups(egress.lookupHost);
  return egress;
}

addEventListener("message", (event) => measureOwnMemory(Reflect.get(event, "data")), {
  once: true,
});
const birth: WorkerBirth = JSON.parse(self.name);
Object.assign(globalThis, { name: "" });
await main(birth);
