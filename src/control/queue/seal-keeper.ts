import type { Random } from "../../base/random.ts";
import type { Store } from "../../store/store.ts";
import type { SecretBox } from "../secret-box.ts";
import { openQueueSeal, type QueueSeal } from "./queue-seal.ts";

/** Holds the queue's seal: opened at start when there is one, made when the first is queued. */
export class SealKeeper {
  seal: QueueSeal | undefined;
  #making: Promise<QueueSeal> | undefined;
  readonly #options: { store: Store; secretBox: SecretBox; random: Random };

  constructor(options: { store: Store; secretBox: SecretBox; random: Random }) {
    this.#options = options;
  }

  /** Rejects with `storage_unavailable` when the key is sealed under a master key that is not here. */
  async open(): Promise<void> {
    this.seal = await openQueueSeal({ ...this.#options, make: false });
  }

  get(): Promise<QueueSeal> {
    if (this.seal !== undefined) return Promise.resolve(this.seal);
    return (this.#making ??= this.#make());
  }

  async #make(): Promise<QueueSeal> {
    try {
      const made = await openQueueSeal({ ...this.#options, make: true });
      if (made === undefined) throw new Error("Assertion failed: the queue's key was made");
      return (this.seal = made);
    } finally {
      this.#making = undefined;
    }
  }
}
