/**
 * Entry of the guest of a Deno process: `deno run guest.js <socketPath> <proxyPort|0>`. Connects to
 * the host over the Unix socket, gives the permission for that back and serves one function; with a
 * proxy port it also carries outgoing connections.
 */
import { type Guest, guestExitCode } from "../guest/guest.ts";
import { EgressRefusals } from "../guest/egress-refusals.ts";
import { deno } from "./deno-api.ts";
import { createDenoGuest } from "./deno-guest.ts";
import { routeDenoConnections } from "./guest-connect.ts";
import { routeDenoLookups } from "./guest-lookups.ts";
import { type EgressListener, listenForEgress } from "./guest-egress.ts";
import { failRefusedFetches } from "./guest-fetch.ts";

// Taken before user code can replace it.
const exit: (code: number) => never = deno.exit.bind(deno);

async function main(socketPath: string, proxyPort: number): Promise<void> {
  const own = createDenoGuest({ exit, egress: () => egress });
  addEventListener("unload", () => own.sendLastWords());
  const connection = await own.connect(socketPath);
  const egress = proxyPort === 0 ? undefined : openEgress(own.guest, proxyPort);
  own.serve(connection, "");
}

function openEgress(guest: Guest, proxyPort: number): EgressListener {
  const refusals = new EgressRefusals();
  const openStream: Guest["openStream"] = (listener) => guest.openStream(listener);
  routeDenoConnections({ port: proxyPort, authorization: undefined });
  failRefusedFetches(refusals);
  const egress = listenForEgress({ openStream, refusals }, proxyPort);
  routeDenoLookups(egress.lookupHost);
  return egress;
}

const [socketPath, proxyPort] = process.argv.slice(2);
if (socketPath === undefined || !/^\d{1,5}$/.test(proxyPort ?? "")) {
  process.stderr.write("usage: deno run guest.js <socketPath> <proxyPort|0>\n");
  exit(guestExitCode.protocol);
}
await main(socketPath, Number(proxyPort));
