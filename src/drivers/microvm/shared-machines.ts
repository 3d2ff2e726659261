import { findImageTools, type ImageTools } from "./images/image-tools.ts";
import { Machines, type MachinesOptions } from "./vmm/machines.ts";

/** The virtual machines that the microVM drivers of a server share: opened when first needed, closed by the last. */
export class SharedMachines {
  readonly #options: MachinesOptions;
  #users = 0;
  #opened: Promise<Machines> | undefined;
  #tools: Promise<ImageTools> | undefined;

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  /** Counts a driver in, which must call `leave` once. */
  enter(): void {
    this.#users += 1;
  }

  /** Rejects with the remedy where there can be no machine; tries again at the next call. */
  open(): Promise<Machines> {
    this.#opened ??= Machines.open(this.#options).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /** The programs that images are made with. Rejects with what installs them; looks again at the next call. */
  imageTools(): Promise<ImageTools> {
    this.#tools ??= findImageTools().catch((error: unknown) => {
      this.#tools = undefined;
      throw error;
    });
    return this.#tools;
  }

  /** A driver has closed; with the last one every machine ends. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    const [opened] = await Promise.allSettled([this.#opened]);
    this.#opened = undefined;
    if (opened.status === "fulfilled") await opened.value?.close();
  }
}
