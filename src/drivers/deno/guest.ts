/**
 * Entry of the guest of a Deno process: `deno run guest.js <socketPath> <proxyPort|0>`. Connects to
 * the host over the Unix socket, gives the permission for that back and serves one function; with a
 * proxy port it also carries outgoing connections.
 */
import { systemClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { Guest, guestExitCode } from "../guest/guest.ts";
import { completeCopiedRequests } from "../guest/web-request.ts";
import { builtinUse } from "../javascript/guest/builtin-use.ts";
import { captureFsWrite } from "../javascript/guest/capture-fs-write.ts";
import { captureStdio } from "../javascript/guest/capture-stdio.ts";
import { routeSocketsThroughEgress } from "../javascript/guest/route-sockets.ts";
import { deno } from "./deno-api.ts";
import { routeDenoConnections } from "./guest-connect.ts";
import { listenForEgress } from "./guest-egress.ts";
import { replaceEnvironment } from "./guest-environment.ts";
import { captureDenoOutput } from "./guest-output.ts";
import { createDenoPlatform } from "./guest-platform.ts";
import { GuestSocket } from "./guest-socket.ts";
import { hearUncaught } from "./hear-uncaught.ts";

// Taken before user code can replace it.
const exit: (code: number) => never = deno.exit.bind(deno);

async function main(socketPath: string, proxyPort: number): Promise<void> {
  const sink = new GuestSocket();
  const platform = createDenoPlatform({
    env: replaceEnvironment(),
    beforeImport(code) {
      const use = builtinUse(code);
      if (use.files) captureFsWrite(guest.logScope);
      if (use.sockets && egress !== undefined) {
        routeSocketsThroughEgress((to) => egress.openPort(to), proxyPort);
      }
    },
    exit,
  });
  const guest = new Guest({ platform, clock: systemClock, sink, endOfTurn });
  captureStdio(guest.logScope);
  captureDenoOutput(guest.logScope);
  hearUncaught(guest);
  completeCopiedRequests();
  addEventListener("unload", () => {
    guest.exiting(new Error("exit").stack);
    sink.flushNow();
  });
  const connection = await deno.connect({ transport: "unix", path: socketPath });
  for (const name of ["read", "write"] as const) {
    await deno.permissions.revoke({ name, path: socketPath });
  }
  const egress =
    proxyPort === 0
      ? undefined
      : listenForEgress({ openStream: (listener) => guest.openStream(listener) }, proxyPort);
  if (proxyPort !== 0) routeDenoConnections({ port: proxyPort, authorization: undefined });
  guest.start();
  sink.attach(connection, {
    data: (chunk) => guest.receive(chunk),
    end: () => guest.transportEnded(),
    closed: () => guest.transportEnded(),
  });
}

const [socketPath, proxyPort] = process.argv.slice(2);
if (socketPath === undefined || !/^\d{1,5}$/.test(proxyPort ?? "")) {
  process.stderr.write("usage: deno run guest.js <socketPath> <proxyPort|0>\n");
  exit(guestExitCode.protocol);
}
await main(socketPath, Number(proxyPort));
