import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createDeferred } from "../../base/deferred.ts";
import type { ProcessEnd } from "../process/guest-process.ts";
import type { Machine, MachineEnd, MachinePort } from "./vmm/machine.ts";
import { machinePorts } from "./vmm/machine.ts";

/** A machine whose inside is a test's: it has ports, ends as it is told, and computes nothing. */
export interface FakeMachine {
  readonly machine: Machine;
  /** The ends inside the machine. */
  readonly inside: Readonly<Record<MachinePort, Socket>>;
  /** Ends it, as its monitor would tell. */
  end(end: MachineEnd): void;
  readonly killed: Promise<void>;
  close(): void;
}

/** Opens one whose ports are connected, and accepted paused as the monitor's are. */
export async function openFakeMachine(): Promise<FakeMachine> {
  const folder = mkdtempSync(join(tmpdir(), "rx-"));
  const ends: Socket[] = [];
  const inside: Partial<Record<MachinePort, Socket>> = {};
  const ports: Partial<Record<MachinePort, Promise<Socket>>> = {};
  for (const name of machinePorts) {
    const accepted = createDeferred<Socket>();
    const server = createServer({ pauseOnConnect: true }, (socket) => {
      server.close();
      ends.push(socket);
      accepted.resolve(socket);
    });
    await new Promise<void>((resolve) => server.listen(join(folder, name), resolve));
    const socket = connect(join(folder, name));
    socket.on("error", () => socket.destroy());
    ends.push(socket);
    inside[name] = socket;
    ports[name] = accepted.promise;
  }
  const ended = createDeferred<MachineEnd>();
  const processEnded = createDeferred<ProcessEnd>();
  const killed = createDeferred<void>();
  const end = (how: MachineEnd): void => {
    for (const socket of Object.values(inside)) socket.end();
    ended.resolve(how);
    processEnded.resolve({ code: 0, signal: undefined, error: undefined });
  };
  const unused = (): Promise<never> => Promise.reject(new Error("a fake machine cannot do this"));
  const machine: Machine = {
    process: {
      stdout: new PassThrough().end(),
      stderr: new PassThrough().end(),
      ended: processEnded.promise,
      pids: () => [],
      kill() {
        killed.resolve();
        end({ reason: "killed", signal: "SIGKILL" });
      },
    },
    group: undefined,
    ports: ports as Record<MachinePort, Promise<Socket>>,
    ended: ended.promise,
    consoleTail: () => "",
    pause: unused,
    resume: unused,
    snapshot: unused,
    stop: unused,
    release() {},
  };
  return {
    machine,
    inside: inside as Record<MachinePort, Socket>,
    end,
    killed: killed.promise,
    close() {
      for (const socket of ends) socket.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
