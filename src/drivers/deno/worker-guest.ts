/**
 * Entry of a worker in a pod. Connects to the host over the pod's Unix socket, gives the permission
 * for that back and serves one function, as the guest of a process does.
 */
import { systemClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { Guest } from "../guest/guest.ts";
import { builtinUse } from "../javascript/guest/builtin-use.ts";
import { captureFsWrite } from "../javascript/guest/capture-fs-write.ts";
import { captureStdio } from "../javascript/guest/capture-stdio.ts";
import { routeSocketsThroughEgress } from "../javascript/guest/route-sockets.ts";
import { deno } from "./deno-api.ts";
import { routeDenoConnections } from "./guest-connect.ts";
import { type EgressListener, listenForEgress } from "./guest-egress.ts";
import { replaceEnvironment } from "./guest-environment.ts";
import { captureDenoOutput } from "./guest-output.ts";
import { createDenoPlatform } from "./guest-platform.ts";
import { GuestSocket } from "./guest-socket.ts";
import { hearUncaught } from "./hear-uncaught.ts";
import type { WorkerBirth } from "./pod-messages.ts";
import { confineExits, endWorker } from "./worker-exit.ts";
import { proxyUser, routeFetchThroughEgress } from "./worker-fetch.ts";
import { measureOwnMemory } from "./worker-memory.ts";

async function main(birth: WorkerBirth): Promise<void> {
  const sink = new GuestSocket();
  const platform = createDenoPlatform({
    env: replaceEnvironment(),
    beforeImport(code) {
      const use = builtinUse(code);
      if (use.files) captureFsWrite(guest.logScope);
      if (use.sockets && egress !== undefined) {
        routeSocketsThroughEgress((to) => egress.openPort(to), egress.port);
      }
    },
    exit: (code) => endWorker({ code }),
  });
  const guest = new Guest({ platform, clock: systemClock, sink, endOfTurn });
  captureStdio(guest.logScope);
  captureDenoOutput(guest.logScope);
  hearUncaught(guest);
  confineExits(() => {
    guest.exiting(new Error("exit").stack);
    sink.flushNow();
  });
  const connection = await deno.connect({ transport: "unix", path: birth.socketPath });
  for (const name of ["read", "write"] as const) {
    await deno.permissions.revoke({ name, path: birth.socketPath });
  }
  const egress = birth.hasEgress ? openEgress(guest) : undefined;
  sink.write(Buffer.from(birth.token));
  guest.start();
  sink.attach(connection, {
    data: (chunk) => guest.receive(chunk),
    end: () => guest.transportEnded(),
    closed: () => guest.transportEnded(),
  });
}

/** Opens this worker's own way out, which others in the pod can reach but not use. */
function openEgress(guest: Guest): EgressListener {
  const password = Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64url");
  const authorization = `Basic ${Buffer.from(`${proxyUser}:${password}`).toString("base64")}`;
  const egress = listenForEgress(
    { openStream: (listener) => guest.openStream(listener), authorization },
    0,
  );
  routeDenoConnections({ port: egress.port, authorization });
  routeFetchThroughEgress({ port: egress.port, password });
  return egress;
}

addEventListener("message", (event) => measureOwnMemory(Reflect.get(event, "data")), {
  once: true,
});
const birth: WorkerBirth = JSON.parse(self.name);
Object.assign(globalThis, { name: "" });
await main(birth);
