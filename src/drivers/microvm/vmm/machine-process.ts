import type { Clock } from "../../../base/clock.ts";
import type { InstanceGroup } from "../../process/cgroup/instance-group.ts";
import type { GuestProcess, ProcessEnd } from "../../process/guest-process.ts";
import { ConsoleTail } from "./console-tail.ts";
import type { MachineEnd } from "./machine.ts";

export interface MachineProcessOptions {
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
  readonly clock: Clock;
  /** What the VMM said of its end, asked once its process is gone. */
  readonly lastWord: () => Promise<"poweroff" | "panic" | undefined>;
  /** Gives back everything that the machine had. */
  readonly release: () => void;
}

/** The process of a VMM from its start to the end of what it left. */
export class MachineProcess {
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
  readonly console: ConsoleTail;
  /** Settles once, never rejects. */
  readonly ended: Promise<MachineEnd>;
  readonly #options: MachineProcessOptions;
  #isStopping = false;
  #isReleased = false;

  constructor(options: MachineProcessOptions) {
    const { process, group, clock } = options;
    this.#options = options;
    this.process = process;
    this.group = group;
    this.console = new ConsoleTail([process.stdout, process.stderr], clock);
    this.ended = process.ended.then((end) => this.#endOf(end));
  }

  async stop(): Promise<MachineEnd> {
    this.#isStopping = true;
    this.process.kill();
    const end = await this.ended;
    this.release();
    return end;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#options.release();
  }

  async #endOf(end: ProcessEnd): Promise<MachineEnd> {
    if (this.#isStopping) return { reason: "stopped" };
    if (end.signal === "SIGKILL" && (this.group?.memoryKills() ?? 0) > 0) {
      return { reason: "memory" };
    }
    const word = await this.#options.lastWord();
    if (word === "poweroff") return { reason: "poweroff" };
    if (word === "panic") return { reason: "panic", console: this.console.text() };
    if (end.signal !== undefined) return { reason: "killed", signal: end.signal };
    const how = end.error ?? `it exited with code ${end.code}`;
    const said = this.console.saying();
    return { reason: "failed", message: said === "" ? how : `${how}: ${said}` };
  }
}
