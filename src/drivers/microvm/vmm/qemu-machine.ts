import { createWriteStream } from "node:fs";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../../../base/clock.ts";
import type { InstanceGroup } from "../../process/cgroup/instance-group.ts";
import type { GuestProcess } from "../../process/guest-process.ts";
import { byteLimit } from "./byte-limit.ts";
import type { Machine, MachineEnd, SnapshotFiles } from "./machine.ts";
import { orEnded } from "./machine-lifetime.ts";
import { MachineProcess } from "./machine-process.ts";
import { stateSocket } from "./qemu-command.ts";
import { QmpClient, type QmpEvent } from "./qmp-client.ts";
import { socketFolder } from "./vmm-command.ts";
import { VmmError } from "./vmm-error.ts";

/** A machine's state without its memory is 70 KiB. */
const stateBytesMax = 64 * 1024 * 1024;
/** How long the last words of a QEMU that has ended may take to arrive. */
const lastWordMs = 500;
/** Memory that is in a shared file stays there; how far QEMU is comes as events. */
const capabilities = [
  { capability: "x-ignore-shared", state: true },
  { capability: "events", state: true },
] as const;

function isMigrationOver({ name, data }: QmpEvent): boolean {
  return name === "MIGRATION" && ["completed", "failed"].includes(String(data["status"]));
}

export interface QemuMachineParts {
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
  readonly ports: Machine["ports"];
  readonly qmp: Promise<Socket>;
  /** Connected when the state is written; only of a machine that becomes a template. */
  readonly state: Promise<Socket> | undefined;
  readonly into: SnapshotFiles | undefined;
  readonly clock: Clock;
  readonly release: () => void;
}

/** A machine in a QEMU of its own. */
export class QemuMachine implements Machine {
  readonly ports: Machine["ports"];
  readonly #parts: QemuMachineParts;
  readonly #vmm: MachineProcess;
  #qmp: QmpClient | undefined;
  #shutdown: string | undefined;

  constructor(parts: QemuMachineParts) {
    const { process, group, clock } = parts;
    this.#parts = parts;
    this.ports = parts.ports;
    this.#vmm = new MachineProcess({
      process,
      group,
      clock,
      lastWord: () => this.#lastWord(),
      release: () => {
        this.#qmp?.close();
        parts.release();
      },
    });
  }

  get process(): GuestProcess {
    return this.#vmm.process;
  }

  get group(): InstanceGroup | undefined {
    return this.#vmm.group;
  }

  get ended(): Promise<MachineEnd> {
    return this.#vmm.ended;
  }

  consoleTail(): string {
    return this.#vmm.console.text();
  }

  /** Waits for QEMU to answer; nothing can be asked of the machine before. */
  async connect(signal: AbortSignal): Promise<void> {
    const socket = await this.#orEnded(this.#parts.qmp, signal);
    const qmp = new QmpClient({ socket, clock: this.#parts.clock });
    this.#qmp = qmp;
    qmp.onEvent((event) => {
      if (event.name === "SHUTDOWN") this.#shutdown = String(event.data["reason"]);
    });
    await this.#orEnded(qmp.negotiate(), signal);
  }

  /** Takes the state from the descriptor that QEMU inherited, and lets the machine run. */
  async load(descriptor: number, signal: AbortSignal): Promise<void> {
    const qmp = this.#connected();
    const over = qmp.event(isMigrationOver, signal);
    // When a command fails before, nobody waits for it.
    over.catch(() => {});
    const asked = [
      qmp.execute("migrate-set-capabilities", { capabilities }),
      qmp.execute("migrate-incoming", { uri: `fd:${descriptor}` }),
    ];
    await this.#orEnded(Promise.all(asked), signal);
    const { data } = await this.#orEnded(over, signal);
    if (data["status"] !== "completed") {
      throw new VmmError("restore", "Cannot read the state of the machine: QEMU gave up");
    }
    // It was written when it was paused.
    await this.#orEnded(this.resume(), signal);
  }

  async pause(): Promise<void> {
    await this.#connected().execute("stop");
  }

  async resume(): Promise<void> {
    await this.#connected().execute("cont");
  }

  async snapshot(): Promise<void> {
    const { into, state } = this.#parts;
    if (into === undefined || state === undefined) {
      throw new VmmError(
        "snapshot",
        "Cannot make a snapshot of a machine whose memory is in no file: boot it `into` one",
      );
    }
    const qmp = this.#connected();
    await qmp.execute("migrate-set-capabilities", { capabilities });
    const over = qmp.event(isMigrationOver);
    const written = state.then((socket) =>
      pipeline(socket, byteLimit(stateBytesMax), createWriteStream(into.statePath)),
    );
    // Whichever of the two fails first is the one that tells.
    for (const each of [over, written]) each.catch(() => {});
    await qmp.execute("migrate", { uri: `unix:${socketFolder}/${stateSocket}` });
    const { data } = await this.#orEnded(over);
    if (data["status"] !== "completed") {
      throw new VmmError("snapshot", "Cannot write the state of the machine: QEMU gave up");
    }
    await this.#orEnded(written);
  }

  stop(): Promise<MachineEnd> {
    return this.#vmm.stop();
  }

  release(): void {
    this.#vmm.release();
  }

  #orEnded<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
    return orEnded(promise, this.ended, signal);
  }

  #connected(): QmpClient {
    if (this.#qmp !== undefined) return this.#qmp;
    throw new VmmError("ended", "Cannot ask QEMU for anything: it has not connected");
  }

  async #lastWord(): Promise<"poweroff" | "panic" | undefined> {
    const { clock } = this.#parts;
    if (this.#qmp !== undefined) {
      const late = Promise.withResolvers<void>();
      const timer = clock.after(lastWordMs, () => late.resolve());
      await Promise.race([this.#qmp.closed, late.promise]);
      timer.cancel();
    }
    if (this.#shutdown === "guest-shutdown") return "poweroff";
    // Without a reboot a kernel that gives up is a machine that resets.
    return this.#shutdown === "guest-reset" || this.#shutdown === "guest-panic"
      ? "panic"
      : undefined;
  }
}
