/** Why a connection to the outside was refused; `code` is the platform's, such as `egress_denied`. */
export interface EgressRefusal {
  readonly code: string;
  readonly message: string;
}

/** Names a refusal in the proxy's answer, for the guest's own clients. */
export const refusalHeader = "reactor-egress-refusal";

/** Refusals remembered; a client asks within the turn in which it hears. */
const refusalsMax = 256;

/**
 * What the proxy refused last. A client that speaks to the proxy hears a status; the guest puts what
 * the relay said in its place. The ids cannot be guessed, so no destination can pose as the proxy.
 */
export class EgressRefusals {
  readonly #nonce = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
  readonly #byId = new Map<string, EgressRefusal>();
  readonly #byDestination = new Map<string, EgressRefusal>();
  #count = 0;

  /** Remembers a refusal, of a destination when it is known, and returns its id. */
  add(refusal: EgressRefusal, destination: { host: string; port: number } | undefined): string {
    const id = `${this.#nonce}-${this.#count++}`;
    keep(this.#byId, id, refusal);
    if (destination !== undefined) keep(this.#byDestination, keyOf(destination), refusal);
    return id;
  }

  byId(id: string): EgressRefusal | undefined {
    return this.#byId.get(id);
  }

  /** The last refusal of where a URL leads. */
  ofUrl(url: string): EgressRefusal | undefined {
    if (!URL.canParse(url)) return undefined;
    const { hostname, port, protocol } = new URL(url);
    const usual = protocol === "https:" || protocol === "wss:" ? 443 : 80;
    const host = hostname.replace(/^\[|\]$/g, "");
    return this.#byDestination.get(keyOf({ host, port: port === "" ? usual : Number(port) }));
  }
}

function keep(map: Map<string, EgressRefusal>, key: string, refusal: EgressRefusal): void {
  map.delete(key);
  map.set(key, refusal);
  const [oldest] = map.keys();
  if (map.size > refusalsMax && oldest !== undefined) map.delete(oldest);
}

function keyOf({ host, port }: { host: string; port: number }): string {
  return `${host.toLowerCase()} ${port}`;
}
