import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { createDeferred } from "../../base/deferred.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { type GuestProcess, spawnGuest } from "../process/guest-process.ts";
import type { GroupLimits } from "../process/cgroup/cgroup-dialect.ts";
import type { InstanceGroup } from "../process/cgroup/instance-group.ts";
import { openGroup } from "../process/instance-limits.ts";
import type { RuntimeSetup } from "../process/process-runtime.ts";
import { guestCommand } from "../process/sandbox-command.ts";
import { tokenLength } from "./pod-messages.ts";

/** How long a connection may take to say whose it is. */
const tokenMsMax = 5_000;

/** A pod on its way up. */
export interface PodLaunch {
  readonly process: GuestProcess;
  /** The group that it is in, where the kernel limits it. */
  readonly group: InstanceGroup | undefined;
  /** The pod's own connection, its first; never settles when it dies before. */
  readonly control: Promise<Socket>;
  /** Calls back once with the connection that brings the token. */
  expect(token: string, connected: (socket: Socket) => void): void;
  /** Waits for the token no more. */
  forget(token: string): void;
  /** Closes the listener and removes the folder and the group. May be called twice. */
  release(): void;
}

/** Starts a pod, which connects to a socket of its own once for itself and once for each worker. */
export async function launchPod(
  setup: RuntimeSetup,
  limits: GroupLimits,
  clock: Clock,
): Promise<PodLaunch> {
  const { profile, runDir } = setup;
  const slot = runDir.openSlot();
  const control = createDeferred<Socket>();
  const expected = new Map<string, (socket: Socket) => void>();
  let hasControl = false;
  const server = createServer((socket) => {
    if (hasControl) greet(socket, expected, clock);
    else control.resolve(socket);
    hasControl = true;
  });
  let group: InstanceGroup | undefined;
  const release = (): void => {
    if (server.listening) server.close();
    slot.release();
    if (group !== undefined) profile.groups?.remove(group);
  };
  try {
    await listening(server, slot.socketPath);
    // The folder is closed to everyone but its user, so the socket itself may be open.
    chmodSync(slot.socketPath, 0o666);
    group = openGroup(profile, slot, limits);
    const command = guestCommand(profile, slot);
    return {
      process: spawnGuest({ command, filterPath: profile.filterPath, group }),
      group,
      control: control.promise,
      expect: (token, connected) => void expected.set(token, connected),
      forget: (token) => void expected.delete(token),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
}

/** Reads a connection's token and hands the connection to who waits for it. */
function greet(
  socket: Socket,
  expected: Map<string, (socket: Socket) => void>,
  clock: Clock,
): void {
  let received = Buffer.alloc(0);
  const late = clock.after(tokenMsMax, () => socket.destroy());
  const onEnd = (): void => {
    late.cancel();
    socket.destroy();
  };
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    if (received.length < tokenLength) return;
    late.cancel();
    socket.off("data", onData).off("error", onEnd).off("close", onEnd);
    const token = received.toString("latin1", 0, tokenLength);
    const connected = expected.get(token);
    expected.delete(token);
    if (connected === undefined) {
      socket.destroy();
      return;
    }
    const rest = received.subarray(tokenLength);
    // Nothing may come before what came with the token; who takes the connection listens by then.
    socket.pause();
    connected(socket);
    endOfTurn(() => {
      if (rest.length > 0) socket.emit("data", rest);
      socket.resume();
    });
  };
  socket.on("data", onData).on("error", onEnd).on("close", onEnd);
}
