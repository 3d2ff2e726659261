/**
 * Entry of the Node guest: `node guest.cjs <socketPath> <proxyPort|0>`. Connects to the host over
 * the Unix socket and serves one function; with a proxy port it also carries outgoing connections.
 */
import { syncBuiltinESMExports } from "node:module";
import { connect } from "node:net";
import { systemClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { lookupThroughEgress } from "../guest/egress-lookup.ts";
import { EgressRefusals } from "../guest/egress-refusals.ts";
import { Guest, guestExitCode } from "../guest/guest.ts";
import { completeCopiedRequests } from "../guest/web-request.ts";
import { captureFsWrite } from "../javascript/guest/capture-fs-write.ts";
import { captureStdio } from "../javascript/guest/capture-stdio.ts";
import { refuseDatagrams } from "../javascript/guest/refuse-datagrams.ts";
import { routeLookups } from "../javascript/guest/route-lookups.ts";
import { routeSocketsThroughEgress } from "../javascript/guest/route-sockets.ts";
import { listenForEgress } from "./guest-egress.ts";
import { adjustFetch } from "./guest-fetch.ts";
import { createNodePlatform } from "./guest-platform.ts";
import { GuestSink } from "./guest-sink.ts";

function main(socketPath: string, proxyPort: number): void {
  const socket = connect(socketPath);
  const sink = new GuestSink(socket);
  const guest = new Guest({ platform: createNodePlatform(), clock: systemClock, sink, endOfTurn });
  captureStdio(guest.logScope);
  captureFsWrite(guest.logScope);
  if (proxyPort !== 0) {
    const openStream: Guest["openStream"] = (listener) => guest.openStream(listener);
    const openPort = listenForEgress({ openStream, refusals: new EgressRefusals() }, proxyPort);
    routeSocketsThroughEgress(openPort, proxyPort);
    routeLookups(lookupThroughEgress(openStream));
    refuseDatagrams();
  }
  completeCopiedRequests();
  adjustFetch();
  // Named imports of node:fs see what was replaced only after this.
  syncBuiltinESMExports();
  process.on("uncaughtException", (error) => guest.uncaught(error));
  process.on("unhandledRejection", (reason) => guest.unhandledRejection(reason));
  process.on("exit", () => guest.exiting(new Error("exit").stack));
  // Node would start its inspector. Not even a handler that the function removes brings that back.
  process.on("SIGUSR1", () => {});
  guest.start();
  socket.on("data", (chunk: Buffer) => guest.receive(chunk));
  // An error is always followed by `close`, where it counts.
  socket.on("error", () => socket.destroy());
  socket.on("close", () => guest.transportEnded());
}

const [socketPath, proxyPort] = process.argv.slice(2);
if (socketPath === undefined || !/^\d{1,5}$/.test(proxyPort ?? "")) {
  process.stderr.write("usage: node guest.cjs <socketPath> <proxyPort|0>\n");
  process.exit(guestExitCode.protocol);
}
main(socketPath, Number(proxyPort));
