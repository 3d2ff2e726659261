import type { HttpLimits } from "./http-limits.ts";

/** Counts open connections, in all and by address. */
export class ConnectionCaps {
  readonly #limits: HttpLimits;
  readonly #isUncounted: (address: string) => boolean;
  readonly #byAddress = new Map<string, number>();
  #connections = 0;

  /** Addresses for which `isUncounted` holds have no cap of their own: many clients come through them. */
  constructor(limits: HttpLimits, isUncounted: (address: string) => boolean) {
    this.#limits = limits;
    this.#isUncounted = isUncounted;
  }

  get connections(): number {
    return this.#connections;
  }

  /** Counts one more from the address; returns why there may be none. */
  open(address: string): string | undefined {
    const { connectionsMax, connectionsPerAddressMax } = this.#limits;
    if (this.#connections >= connectionsMax) return `${connectionsMax} are open in all`;
    const fromAddress = this.#byAddress.get(address) ?? 0;
    if (fromAddress >= connectionsPerAddressMax && !this.#isUncounted(address)) {
      return `${connectionsPerAddressMax} are open from this address`;
    }
    this.#connections += 1;
    this.#byAddress.set(address, fromAddress + 1);
    return undefined;
  }

  /** Must be called once for every `open` that counted. */
  close(address: string): void {
    this.#connections -= 1;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
