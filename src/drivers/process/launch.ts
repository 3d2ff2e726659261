import { chmodSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createDeferred } from "../../base/deferred.ts";
import { type GuestCarrier, spawnGuest } from "./guest-process.ts";
import type { RunDir } from "./run-dir.ts";
import { guestCommand, type SandboxProfile } from "./sandbox-command.ts";

/** A guest on its way up. */
export interface Launch {
  readonly process: GuestCarrier;
  /** The guest's connection; never settles when it dies first. */
  readonly socket: Promise<Socket>;
  /**
   * It is one of several in its process, which is watched as a whole by who started it, as is the
   * socket: `release` closes it.
   */
  readonly isShared?: true;
  /** Closes the listener and removes the folder. May be called twice. */
  release(): void;
}

/**
 * Starts a guest that will connect to a socket of its own. Only the first connection is taken, and
 * the socket is gone from then on.
 */
export async function launch(profile: SandboxProfile, runDir: RunDir): Promise<Launch> {
  const slot = runDir.openSlot();
  const connected = createDeferred<Socket>();
  const server = createServer({ pauseOnConnect: false }, (socket) => {
    server.close();
    connected.resolve(socket);
  });
  const release = (): void => {
    if (server.listening) server.close();
    slot.release();
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(slot.socketPath, resolve);
    });
    // The folder is closed to everyone but its user, so the socket itself may be open.
    chmodSync(slot.socketPath, 0o666);
    const process = spawnGuest(guestCommand(profile, slot), profile.filterPath);
    return { process, socket: connected.promise, release };
  } catch (error) {
    release();
    throw error;
  }
}
