/**
 * Entry of the Bun guest: `bun guest.js <socketPath> <proxyPort|0>`. Connects to the host over the
 * Unix socket and serves one function; with a proxy port it also carries outgoing connections.
 */
import { systemClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { lookupThroughEgress } from "../guest/egress-lookup.ts";
import { EgressRefusals } from "../guest/egress-refusals.ts";
import { Guest, guestExitCode } from "../guest/guest.ts";
import { captureFsWrite } from "../javascript/guest/capture-fs-write.ts";
import { captureStdio } from "../javascript/guest/capture-stdio.ts";
import { refuseDatagrams } from "../javascript/guest/refuse-datagrams.ts";
import { routeLookups } from "../javascript/guest/route-lookups.ts";
import { routeSocketsThroughEgress } from "../javascript/guest/route-sockets.ts";
import { listenForEgress } from "./guest-egress.ts";
import { adjustFetch, completeServedRequests } from "./guest-fetch.ts";
import { captureBunOutput } from "./guest-output.ts";
import { createBunPlatform } from "./guest-platform.ts";
import { GuestSocket } from "./guest-socket.ts";
import { routeBunApi } from "./guest-bun-api.ts";

async function main(socketPath: string, proxyPort: number): Promise<void> {
  const sink = new GuestSocket();
  const platform = createBunPlatform((reaches) => {
    if (reaches("files")) captureFsWrite(guest.logScope);
    if (egress === undefined) return;
    if (reaches("sockets")) routeSocketsThroughEgress((to) => egress.openPort(to), proxyPort);
    if (reaches("names")) routeLookups(lookupHost);
    if (reaches("datagrams")) refuseDatagrams();
    routeBunApi(reaches, { egress, lookupHost, proxyPort });
  });
  const guest = new Guest({ platform, clock: systemClock, sink, endOfTurn });
  captureStdio(guest.logScope);
  captureBunOutput(guest.logScope);
  const refusals = proxyPort === 0 ? undefined : new EgressRefusals();
  adjustFetch(refusals);
  completeServedRequests();
  process.on("uncaughtException", (error) => guest.uncaught(error));
  process.on("unhandledRejection", (reason) => guest.unhandledRejection(reason));
  process.on("exit", () => guest.exiting(new Error("exit").stack));
  const openStream: Guest["openStream"] = (listener) => guest.openStream(listener);
  const lookupHost = lookupThroughEgress(openStream);
  const egress =
    refusals === undefined ? undefined : listenForEgress({ openStream, refusals }, proxyPort);
  guest.start();
  await Bun.connect({
    unix: socketPath,
    socket: {
      binaryType: "buffer",
      open: (socket) => sink.attach(socket),
      data: (_socket, chunk) => guest.receive(chunk),
      drain: () => sink.drained(),
      close: () => guest.transportEnded(),
      // Bun brings errors thrown by the handlers above here too; the transport's own end in `close`.
      error: (_socket, error) => guest.uncaught(error),
    },
  });
}

const [socketPath, proxyPort] = process.argv.slice(2);
if (socketPath === undefined || !/^\d{1,5}$/.test(proxyPort ?? "")) {
  process.stderr.write("usage: bun guest.js <socketPath> <proxyPort|0>\n");
  process.exit(guestExitCode.protocol);
}
await main(socketPath, Number(proxyPort));
