import type { Socket } from "node:net";
import { createDeferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/clock.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { ProcessEnd } from "../process/guest-process.ts";
import type { Launch } from "../process/launch.ts";
import { ControlPort, type RuntimeEnd } from "./control-port.ts";
import { personalise, type PersonaliseOptions } from "./personalise.ts";
import { type Machine, type MachineEnd, machinePorts } from "./vmm/machine.ts";

/** How long a machine whose runtime has ended may take to power off, and its last words to arrive. */
const lastWordsMs = 2_000;

export interface CloneLaunchOptions extends PersonaliseOptions {
  readonly clock: Clock;
  /** Memory of the machine. */
  readonly memoryMb: number;
  /** The host's end of its control port, where somebody has that already. */
  readonly control?: ControlPort;
  /** It is to be written down once it has loaded a function. */
  readonly isTemplate?: true;
}

/**
 * A clone that runs, as a guest on its way up: it is connected once it is like no other. Rejects, and
 * leaves nothing of the machine, when that has ended already.
 */
export async function cloneLaunch(machine: Machine, options: CloneLaunchOptions): Promise<Launch> {
  const opened = await Promise.race([
    Promise.all(machinePorts.map((name) => machine.ports[name])),
    machine.ended,
  ]);
  if ("reason" in opened) {
    machine.release();
    throw new Error(`A clone ended before it was connected: ${JSON.stringify(opened)}`);
  }
  const [wire, controlSocket, stdout, stderr] = opened as [Socket, Socket, Socket, Socket];
  const { control = new ControlPort(controlSocket), isTemplate = false } = options;
  const connected = createDeferred<Socket>();
  let fault: string | undefined;
  const connect = async (): Promise<void> => {
    try {
      await personalise(control, options);
      connected.resolve(wire);
      readSoon(wire);
    } catch (error) {
      fault = String(error);
      machine.process.kill();
    }
  };
  void connect();
  const ended = endOf(machine, control, options).then((end) =>
    fault === undefined || end.exit !== undefined ? end : { ...end, error: fault },
  );
  readSoon(stdout, stderr);
  return {
    process: {
      stdout,
      stderr,
      ended,
      pids: () => machine.process.pids(),
      kill: () => machine.process.kill(),
    },
    isClone: true,
    isTemplate,
    socket: connected.promise,
    release() {
      wire.destroy();
      controlSocket.destroy();
      machine.release();
    },
  };
}

/** How the runtime ended, as far as its agent or the end of the machine tell. */
async function endOf(
  machine: Machine,
  control: ControlPort,
  { clock, memoryMb }: CloneLaunchOptions,
): Promise<ProcessEnd> {
  let told: RuntimeEnd | undefined;
  const hear = async (): Promise<void> => {
    told = await control.runtimeEnd;
    // It powers off by itself. One that is hostile does not have to.
    clock.after(lastWordsMs, () => machine.process.kill());
  };
  void hear();
  const ended = await machine.ended;
  // What it said last may still be on its way through the socket.
  await Promise.race([control.closed, clock.sleep(lastWordsMs)]);
  return told === undefined ? unexplained(ended, memoryMb) : explained(told, memoryMb);
}

/** What the agent said of the runtime, as the instance's end. */
function explained(told: RuntimeEnd, memoryMb: number): ProcessEnd {
  switch (told.kind) {
    case "exited":
      return known({ reason: "exited", code: told.code });
    case "signal":
      return known(
        // The kernel of a machine kills for want of memory when all of it is in use.
        told.outOfMemory
          ? { reason: "memory", limitMb: memoryMb, peakMb: memoryMb }
          : { reason: "signal", signal: told.signal },
      );
    case "hung up":
      return known({ reason: "protocol", message: "it closed its connection" });
    case "failed":
      return { ...unknown, error: `Its runtime did not start: ${told.message}` };
  }
}

/** The end of a machine whose agent said nothing. */
function unexplained(end: MachineEnd, memoryMb: number): ProcessEnd {
  switch (end.reason) {
    case "panic":
      return { ...known({ reason: "panic" }), error: end.console };
    case "memory":
      return known({ reason: "memory", limitMb: memoryMb, peakMb: memoryMb });
    case "killed":
      return { ...unknown, signal: end.signal };
    case "failed":
      return { ...unknown, error: end.message };
    case "stopped":
      return known({ reason: "stopped" });
    case "poweroff":
      return { ...unknown, error: "Its machine switched itself off without a word" };
  }
}

const unknown: ProcessEnd = { code: undefined, signal: undefined, error: undefined };

function known(exit: InstanceExit): ProcessEnd {
  return { ...unknown, exit };
}

/** Ports are accepted paused; who takes them listens by the end of the turn. */
function readSoon(...sockets: readonly Socket[]): void {
  endOfTurn(() => {
    for (const socket of sockets) socket.resume();
  });
}
