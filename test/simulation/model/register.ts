/** Stands for a value that is not known yet, such as the revision that a deploy will get. */
export const anyValue = "*";

interface Change {
  readonly value: string;
  refused: boolean;
  /** Changes that were under way at the same time. */
  readonly beside: Set<Change>;
}

/** A change of one register that is under way. */
export interface OpenChange {
  /** It was acknowledged; `value` when it was not known before. */
  acknowledged(value?: string): void;
  /** It was refused: it never happened. */
  refused(): void;
  /** Nobody knows whether it happened. */
  unsure(): void;
}

/**
 * What one field of the store may hold, judged only by what clients were told. An acknowledged
 * change leaves its own value and those of changes that ran beside it; an unsure one leaves both the
 * old and the new.
 */
export class Register {
  #base: Set<string>;
  readonly #open = new Set<Change>();
  readonly #watchers = new Set<Set<string>>();

  constructor(value: string) {
    this.#base = new Set([value]);
  }

  get settled(): boolean {
    return this.#open.size === 0;
  }

  /** Every value it may hold now. */
  get possible(): ReadonlySet<string> {
    return new Set([...this.#base, ...[...this.#open].map(({ value }) => value)]);
  }

  /** The only value it can hold; undefined when there are several. */
  get certain(): string | undefined {
    const [only, ...others] = this.possible;
    return others.length === 0 && only !== anyValue ? only : undefined;
  }

  /** A set of all values that it may hold from now on, until `unwatch`. */
  watch(): Set<string> {
    const seen = new Set(this.possible);
    this.#watchers.add(seen);
    return seen;
  }

  unwatch(seen: Set<string>): void {
    this.#watchers.delete(seen);
  }

  begin(value: string): OpenChange {
    const change: Change = { value, refused: false, beside: new Set(this.#open) };
    for (const other of this.#open) other.beside.add(change);
    this.#open.add(change);
    this.#show(value);
    return {
      acknowledged: (known = value) => {
        this.#open.delete(change);
        const others = [...change.beside].filter(({ refused }) => !refused);
        this.#base = new Set([known, ...others.map((other) => other.value)]);
        this.#show(known);
      },
      refused: () => {
        change.refused = true;
        this.#open.delete(change);
      },
      unsure: () => {
        this.#open.delete(change);
        this.#base.add(value);
      },
    };
  }

  /** Whether the store may hold this; when so and nothing is under way, it is what it holds. */
  observe(actual: string): boolean {
    const { possible } = this;
    if (!possible.has(actual) && !possible.has(anyValue)) return false;
    if (this.settled) this.#base = new Set([actual]);
    return true;
  }

  #show(value: string): void {
    for (const watcher of this.#watchers) watcher.add(value);
  }
}
