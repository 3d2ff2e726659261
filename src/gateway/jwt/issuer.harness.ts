import {
  type CryptoKey,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  SignJWT,
} from "jose";

export const issuerName = "https://issuer.example";
export const audience = "reactor";

/** Claims as a test writes them; undefined leaves one out. */
export type Claims = Readonly<Record<string, unknown>>;

interface IssuerKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicJwk: JWK;
}

let rsaPair: Promise<GenerateKeyPairResult> | undefined;

/** A fresh key pair; RSA ones take long to make, so all issuers of a process share one. */
function keyPair(alg: string): Promise<GenerateKeyPairResult> {
  if (alg !== "RS256") return generateKeyPair(alg, { extractable: true });
  return (rsaPair ??= generateKeyPair(alg, { extractable: true }));
}

/** An issuer with keys of its own and a real server on loopback that publishes them. */
export class TestIssuer {
  readonly #server: ReturnType<typeof Bun.serve>;
  readonly #keys = new Map<string, IssuerKey>();
  /** Keys that are published; all that were made unless a test takes some away. */
  published: readonly string[] = [];
  /** Requests for the key set so far. */
  fetches = 0;
  /** What the server answers instead of the key set. */
  answer: (() => Response) | undefined;

  constructor() {
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        this.fetches += 1;
        return (
          this.answer?.() ?? Response.json({ keys: this.published.map((kid) => this.jwk(kid)) })
        );
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}/keys`;
  }

  /** Makes a key and publishes it. */
  async addKey(kid: string, alg = "ES256"): Promise<void> {
    const { privateKey, publicKey } = await keyPair(alg);
    const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
    this.#keys.set(kid, { kid, alg, privateKey, publicJwk });
    this.published = [...this.published, kid];
  }

  jwk(kid: string): JWK {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    return key.publicJwk;
  }

  /** A token signed with a key; `claims` with value undefined are left out. */
  sign(kid: string, claims: Claims = {}, header: Readonly<Record<string, unknown>> = {}) {
    const key = this.#keys.get(kid);
    if (key === undefined) throw new Error(`no key ${kid}`);
    return new SignJWT(claims)
      .setProtectedHeader({ alg: key.alg, kid, ...header })
      .sign(key.privateKey);
  }

  async close(): Promise<void> {
    await this.#server.stop(true);
  }
}

/** The claims of a good token that is made at this moment and lives ten minutes. */
export function goodClaims(nowMs: number, changes: Claims = {}): Claims {
  const iat = Math.floor(nowMs / 1000);
  return { iss: issuerName, aud: audience, sub: "ann", iat, exp: iat + 600, ...changes };
}
