import { systemClock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { Guest } from "../guest/guest.ts";
import { completeCopiedRequests } from "../guest/web-request.ts";
import { captureFsWrite } from "../javascript/guest/capture-fs-write.ts";
import { captureStdio } from "../javascript/guest/capture-stdio.ts";
import { refuseDatagrams } from "../javascript/guest/refuse-datagrams.ts";
import { routeLookups } from "../javascript/guest/route-lookups.ts";
import { routeSocketsThroughEgress } from "../javascript/guest/route-sockets.ts";
import { deno, type DenoConnection } from "./deno-api.ts";
import type { EgressListener } from "./guest-egress.ts";
import { replaceEnvironment } from "./guest-environment.ts";
import { captureDenoOutput } from "./guest-output.ts";
import { createDenoPlatform } from "./guest-platform.ts";
import { GuestSocket } from "./guest-socket.ts";
import { hearUncaught } from "./hear-uncaught.ts";

export interface DenoGuestOptions {
  /** Ends the process or the worker. */
  readonly exit: (code: number) => void;
  /** The way out, when there is one; asked right before the function is imported. */
  readonly egress: () => EgressListener | undefined;
}

/** What a Deno process and a worker have in common: the guest, its captures and its connection. */
export interface DenoGuest {
  readonly guest: Guest;
  /** Sends what was written until now, for the end of the process or the worker. */
  sendLastWords(): void;
  /** Connects to the host and gives the permission for that back, before there is user code. */
  connect(socketPath: string): Promise<DenoConnection>;
  /** Says `greeting` and then the guest's own hello, and serves. */
  serve(connection: DenoConnection, greeting: string): void;
}

/** Prepares the guest and the globals that user code will see. */
export function createDenoGuest(options: DenoGuestOptions): DenoGuest {
  const sink = new GuestSocket();
  const platform = createDenoPlatform({
    env: replaceEnvironment(),
    beforeImport(reaches) {
      if (reaches("files")) captureFsWrite(guest.logScope);
      const egress = options.egress();
      if (egress === undefined) return;
      if (reaches("sockets")) routeSocketsThroughEgress((to) => egress.openPort(to), egress.port);
      if (reaches("names")) routeLookups(egress.lookupHost);
      if (reaches("datagrams")) refuseDatagrams();
    },
    exit: options.exit,
  });
  const guest = new Guest({ platform, clock: systemClock, sink, endOfTurn });
  captureStdio(guest.logScope);
  captureDenoOutput(guest.logScope);
  hearUncaught(guest);
  completeCopiedRequests();
  return {
    guest,
    sendLastWords() {
      guest.exiting(new Error("exit").stack);
      sink.flushNow();
    },
    async connect(socketPath) {
      const connection = await deno.connect({ transport: "unix", path: socketPath });
      for (const name of ["read", "write"] as const) {
        await deno.permissions.revoke({ name, path: socketPath });
      }
      return connection;
    },
    serve(connection, greeting) {
      if (greeting !== "") sink.write(Buffer.from(greeting));
      guest.start();
      sink.attach(connection, {
        data: (chunk) => guest.receive(chunk),
        end: () => guest.transportEnded(),
        closed: () => guest.transportEnded(),
      });
    },
  };
}
