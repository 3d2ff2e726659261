import type { EgressDenial, EgressDenialReason } from "../domain/egress-decision.ts";

/** Different denials kept of one function; the one not seen for longest is forgotten for the next. */
export const denialsKeptMax = 32;

/** A denial and how often it came. */
export interface KeptDenial {
  readonly denial: EgressDenial;
  readonly count: number;
  /** When it came last. */
  readonly atMs: number;
}

/** What egress denied one function since the server started: counted in all, the latest kept. */
export class EgressDenials {
  readonly byReason = new Map<EgressDenialReason, number>();
  readonly #kept = new Map<string, KeptDenial>();

  /** Denials in all. */
  get total(): number {
    let sum = 0;
    for (const count of this.byReason.values()) sum += count;
    return sum;
  }

  add(denial: EgressDenial, atMs: number): void {
    const { reason, host, port } = denial;
    this.byReason.set(reason, (this.byReason.get(reason) ?? 0) + 1);
    const key = `${reason} ${port ?? ""} ${host}`;
    const count = (this.#kept.get(key)?.count ?? 0) + 1;
    this.#kept.delete(key);
    this.#kept.set(key, { denial, count, atMs });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > denialsKeptMax && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** At most `denialsKeptMax`, the latest first. */
  recent(): readonly KeptDenial[] {
    return [...this.#kept.values()].toReversed();
  }
}
