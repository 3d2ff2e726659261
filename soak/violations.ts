const shownMax = 100;

/** What went wrong, bounded: the first hundred as sentences, all of them counted. */
export class Violations {
  readonly #shown: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(sentence: string): void {
    this.#count += 1;
    if (this.#shown.length < shownMax) this.#shown.push(sentence);
  }

  list(): readonly string[] {
    const more = this.#count - this.#shown.length;
    return more === 0 ? this.#shown : [...this.#shown, `… and ${more} more`];
  }
}
