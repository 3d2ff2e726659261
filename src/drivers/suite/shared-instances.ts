import type { Instance } from "../driver.ts";
import type { DriverHarness } from "./driver-harness.ts";

/**
 * Instances that the cases which leave nothing behind in one use after each other, by the scenario that
 * they run: most of such a case's time is the start of its instance.
 */
export class SharedInstances {
  readonly #create: () => Promise<DriverHarness>;
  readonly #running = new Map<string, Instance>();
  #harness: Promise<DriverHarness> | undefined;

  constructor(create: () => Promise<DriverHarness>) {
    this.#create = create;
  }

  /** Their driver, made anew after `close`. */
  harness(): Promise<DriverHarness> {
    this.#harness ??= this.#create();
    return this.#harness;
  }

  /** The scenario's instance, which is started when there is none that lives. */
  async take(scenario: string, start: () => Promise<Instance>): Promise<Instance> {
    const running = this.#running.get(scenario);
    if (running !== undefined) return running;
    const instance = await start();
    this.#running.set(scenario, instance);
    void instance.exit.then(() => this.#running.delete(scenario));
    return instance;
  }

  /** Ends them all, since what the next case looks at must be its own. */
  async close(): Promise<void> {
    const harness = await this.#harness;
    this.#harness = undefined;
    this.#running.clear();
    await harness?.close();
  }
}
