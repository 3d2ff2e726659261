import type { ExchangeListener } from "../http/exchange-listener.ts";

/** Stands in for the exchange while who sent the request is being found out. Nothing of the body is read meanwhile. */
export class WaitingClient implements ExchangeListener {
  /** The client left, so nobody waits for an answer. */
  gone = false;

  bodyChunk(): void {}
  bodyEnd(): void {}
  bodyFailed(): void {}
  clientDrained(): void {}
  clientStalled(): void {}

  clientGone(): void {
    this.gone = true;
  }
}
