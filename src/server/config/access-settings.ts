import type { SettingDefinition } from "./setting.ts";

/** Settings about who may invoke functions; part of `settingTable`. */
export const accessSettings = {
  failuresPerMinute: {
    path: "access.failures_per_minute",
    summary:
      "Unknown keys and tokens that one address may send to functions in a minute; what comes after is 429. Valid ones always pass.",
    type: "integer",
    default: 20,
    min: 1,
    max: 1_000_000,
  },
  jwtIssuer: {
    path: "jwt.issuer",
    summary: "The `iss` of tokens for functions with `access: jwt`. Absent: no token is believed.",
    type: "text",
  },
  jwtAudience: {
    path: "jwt.audience",
    summary: "A token's `aud` must name one of these.",
    type: "list",
    default: [],
    items: { pattern: /^\S{1,253}$/, says: "names or URLs" },
  },
  jwtSecret: {
    path: "jwt.secret",
    summary: "Secret of tokens signed with HS256: 32 characters or more.",
    type: "text",
    secret: true,
  },
  jwtJwksUrls: {
    path: "jwt.jwks_urls",
    summary:
      "Where the issuer publishes its keys, for tokens signed with RS256 or ES256. A private address must also be in `egress.private_allow`.",
    type: "list",
    default: [],
    items: { pattern: /^https?:\/\/[^\s@]{1,2000}$/, says: "http or https URLs without user" },
  },
  jwtAlgorithms: {
    path: "jwt.algorithms",
    summary: "What tokens that are checked with a published key may be signed with.",
    type: "list",
    default: ["RS256", "ES256"],
    items: { pattern: /^(?:RS256|ES256)$/, says: "RS256 and ES256" },
  },
  jwtLeewaySecs: {
    path: "jwt.leeway_secs",
    summary: "How far the clocks of the issuer and this server may be apart.",
    type: "integer",
    default: 30,
    min: 0,
    max: 300,
  },
  jwtClaims: {
    path: "jwt.claims",
    summary: "Claims of a token that functions and policies see, beside its subject and issuer.",
    type: "list",
    default: ["email", "groups", "roles", "scope"],
    items: { pattern: /^[A-Za-z0-9_.:/-]{1,200}$/, says: "names of claims" },
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
