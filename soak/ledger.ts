import type { FunctionState } from "./function-state.ts";
import { absentFunction } from "./function-state.ts";
import { type Operation, possibleStates, stateAfter } from "./operation.ts";
import type { VersionedSource } from "./versioned-source.ts";

/**
 * A client's own journal of one function: what it asked for, what was acknowledged, and so which
 * states the function may be in. One operation at a time is under way.
 */
export class Ledger {
  readonly name: string;
  /** Every version ever uploaded, by the digest that the server keeps. */
  readonly sources = new Map<string, VersionedSource>();
  /** Revision of each label that an acknowledged deploy told, or that the API showed. */
  readonly revisions = new Map<string, number>();
  readonly ids = new Map<string, string>();
  #possible: readonly FunctionState[] = [absentFunction];
  #asked: Operation | undefined;
  #serial = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The last serial that was given out. */
  get serial(): number {
    return this.#serial;
  }

  /** Labels and values are never used twice. */
  nextSerial(): number {
    this.#serial += 1;
    return this.#serial;
  }

  /** The state, which must be certain: nothing is under way and nothing unknown. */
  get state(): FunctionState {
    const [only, ...others] = this.#possible;
    if (only === undefined || others.length > 0) throw new Error(`${this.name} is not certain`);
    return only;
  }

  /** States that the function may be in. */
  get possible(): readonly FunctionState[] {
    return this.#possible;
  }

  get asked(): Operation | undefined {
    return this.#asked;
  }

  ask(operation: Operation): void {
    this.#possible = possibleStates(this.state, operation);
    this.#asked = operation;
  }

  acknowledge(operation: Operation): void {
    const [before] = this.#possible;
    if (before === undefined) throw new Error(`Nothing was asked of ${this.name}`);
    this.settle(stateAfter(before, operation));
  }

  /** The server refused: nothing may have changed. */
  refuse(): void {
    const [before] = this.#possible;
    if (before !== undefined) this.settle(before);
  }

  /**
   * After a look at the running server: a deploy that broke off may still be shown as half-made there,
   * and what was not done by now may yet be found done by the next server.
   */
  doubtAgain(possible: readonly FunctionState[], asked: Operation | undefined): void {
    this.#possible = possible;
    this.#asked = asked;
  }

  /** From now on the state is known to be this one. */
  settle(state: FunctionState): void {
    this.#possible = [state];
    this.#asked = undefined;
  }
}
