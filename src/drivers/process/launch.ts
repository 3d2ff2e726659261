import { chmodSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createDeferred } from "../../base/deferred.ts";
import type { GroupLimits } from "./cgroup/cgroup-dialect.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";
import { openGroup } from "./instance-limits.ts";
import { type GuestCarrier, spawnGuest } from "./guest-process.ts";
import type { RunDir } from "./run-dir.ts";
import { guestCommand, type SandboxProfile } from "./sandbox-command.ts";

/** A guest on its way up. */
export interface Launch {
  readonly process: GuestCarrier;
  /** The group that it is in, where the kernel limits it. */
  readonly group?: InstanceGroup | undefined;
  /** Its processes see files of their own. */
  readonly isSandboxed?: boolean;
  /** The guest's connection; never settles when it dies first. */
  readonly socket: Promise<Socket>;
  /**
   * It is one of several in its process, which is watched as a whole by who started it, as is the
   * socket: `release` closes it.
   */
  readonly isShared?: true;
  /**
   * It is a copy of a guest that has said hello, in a machine of its own, whose size is its limit. It
   * is connected once it may be given a function.
   */
  readonly isClone?: true;
  /** It loads its function and is then written down to be copied: it serves nothing. */
  readonly isTemplate?: boolean;
  /** Closes the listener and removes the folder and the group. May be called twice. */
  release(): void;
}

/**
 * Starts a guest that will connect to a socket of its own. Only the first connection is taken, and
 * the socket is gone from then on.
 */
export async function launch(
  profile: SandboxProfile,
  runDir: RunDir,
  limits: GroupLimits,
): Promise<Launch> {
  const slot = runDir.openSlot();
  const connected = createDeferred<Socket>();
  const server = createServer({ pauseOnConnect: false }, (socket) => {
    server.close();
    connected.resolve(socket);
  });
  let group: InstanceGroup | undefined;
  const release = (): void => {
    if (server.listening) server.close();
    slot.release();
    if (group !== undefined) profile.groups?.remove(group);
  };
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(slot.socketPath, resolve);
    });
    // The folder is closed to everyone but its user, so the socket itself may be open.
    chmodSync(slot.socketPath, 0o666);
    group = openGroup(profile, slot, limits);
    const command = guestCommand(profile, slot);
    const process = spawnGuest({ command, filterPath: profile.filterPath, group });
    const isSandboxed = command.needsFilter;
    return { process, group, isSandboxed, socket: connected.promise, release };
  } catch (error) {
    release();
    throw error;
  }
}
