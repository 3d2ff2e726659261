/** What a token must be to be believed. */
export interface JwtRules {
  readonly issuer: string;
  /** The token's `aud` must name one of them. */
  readonly audiences: readonly string[];
  /** Secret of HS256; undefined: no such token is believed. */
  readonly secret: Uint8Array | undefined;
  /** Where public keys come from; empty: no token signed by one is believed. */
  readonly jwksUrls: readonly string[];
  /** What tokens signed by a public key may be signed with. */
  readonly algorithms: readonly string[];
  /** How far the clocks of issuer and server may be apart. */
  readonly leewaySecs: number;
  /** Claims that functions and policies see, beside the subject and the issuer. */
  readonly claims: readonly string[];
}
