import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Really leaks, for the knob `leak`, until `plug()` cleans up behind the test. */
export class SimulatedLeaks {
  readonly #runDir: string | undefined;
  readonly #descriptors: number[] = [];
  readonly #folders: string[] = [];

  constructor(runDir: string | undefined) {
    this.#runDir = runDir;
  }

  /** Leaves a folder, a file in it and an open descriptor. Throws without a run folder. */
  spring(): void {
    if (this.#runDir === undefined) throw new Error("The knob leak needs the option runDir");
    mkdirSync(this.#runDir, { recursive: true });
    const folder = mkdtempSync(join(this.#runDir, "leak-"));
    this.#folders.push(folder);
    this.#descriptors.push(openSync(join(folder, "file"), "w"));
  }

  plug(): void {
    for (const descriptor of this.#descriptors.splice(0)) closeSync(descriptor);
    for (const folder of this.#folders.splice(0)) rmSync(folder, { recursive: true });
  }
}
