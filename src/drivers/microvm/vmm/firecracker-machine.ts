import type { Clock } from "../../../base/clock.ts";
import type { InstanceGroup } from "../../process/cgroup/instance-group.ts";
import type { GuestProcess } from "../../process/guest-process.ts";
import type { FirecrackerApi } from "./firecracker-api.ts";
import { type FirecrackerPaths, snapshotCall } from "./firecracker-calls.ts";
import type { Machine, MachineEnd } from "./machine.ts";
import { orEnded } from "./machine-lifetime.ts";
import { MachineProcess } from "./machine-process.ts";
import { VmmError } from "./vmm-error.ts";

const answerMs = 30_000;

export interface FirecrackerMachineParts {
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
  readonly ports: Machine["ports"];
  readonly api: FirecrackerApi;
  readonly paths: FirecrackerPaths;
  /** It was booted `into` files. */
  readonly isTemplate: boolean;
  readonly clock: Clock;
  readonly release: () => void;
}

/** A machine in a Firecracker of its own. */
export class FirecrackerMachine implements Machine {
  readonly ports: Machine["ports"];
  readonly api: FirecrackerApi;
  readonly paths: FirecrackerPaths;
  readonly #parts: FirecrackerMachineParts;
  readonly #vmm: MachineProcess;

  constructor(parts: FirecrackerMachineParts) {
    this.#parts = parts;
    this.ports = parts.ports;
    this.api = parts.api;
    this.paths = parts.paths;
    this.#vmm = new MachineProcess({ ...parts, lastWord: () => this.#lastWord() });
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

  pause(): Promise<void> {
    return this.#ask((signal) => this.api("PATCH /vm", { state: "Paused" }, signal));
  }

  resume(): Promise<void> {
    return this.#ask((signal) => this.api("PATCH /vm", { state: "Resumed" }, signal));
  }

  async snapshot(): Promise<void> {
    if (!this.#parts.isTemplate) {
      throw new VmmError(
        "snapshot",
        "Cannot make a snapshot of a machine that has no files for it: boot it `into` some",
      );
    }
    await this.#ask((signal) => snapshotCall(this.api, this.paths, signal));
  }

  stop(): Promise<MachineEnd> {
    return this.#vmm.stop();
  }

  release(): void {
    this.#vmm.release();
  }

  async #ask(call: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const limit = new AbortController();
    const late = this.#parts.clock.after(answerMs, () =>
      limit.abort(new VmmError("protocol", `Firecracker did not answer within ${answerMs} ms`)),
    );
    try {
      await orEnded(call(limit.signal), this.ended, limit.signal);
    } finally {
      late.cancel();
    }
  }

  /** It ends with code 0 for every reset, so only the console tells a kernel that gave up. */
  async #lastWord(): Promise<"poweroff" | "panic" | undefined> {
    const { code } = await this.process.ended;
    if (code !== 0) return undefined;
    return this.consoleTail().includes("Kernel panic") ? "panic" : "poweroff";
  }
}
