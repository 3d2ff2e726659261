import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { exportSPKI, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { createVirtualClock, type VirtualClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import { audience, type Claims, goodClaims, issuerName, TestIssuer } from "./issuer.harness.ts";
import type { JwtRules } from "./jwt-rules.ts";
import { createJwtVerifier, type JwtVerifier } from "./jwt-verifier.ts";

const secret = Buffer.from("a secret of more than thirty-two bytes");
const startMs = Date.parse("2026-11-25T10:00:00Z");
let issuer: TestIssuer;
let clock: VirtualClock;
let verifier: JwtVerifier;

beforeEach(async () => {
  issuer = new TestIssuer();
  clock = createVirtualClock(startMs);
  await issuer.addKey("rsa", "RS256");
  await issuer.addKey("ec", "ES256");
  verifier = open();
});
afterEach(() => issuer.close());

function open(changes: Partial<JwtRules> = {}): JwtVerifier {
  return createJwtVerifier({
    rules: {
      issuer: issuerName,
      audiences: [audience, "other-audience"],
      secret,
      jwksUrls: [issuer.url],
      algorithms: ["RS256", "ES256"],
      leewaySecs: 30,
      claims: ["roles", "tenant"],
      ...changes,
    },
    async fetchJwks(url, signal) {
      const response = await fetch(url, { signal });
      if (!response.ok) throw new Error(`it answered ${response.status}`);
      return new Uint8Array(await response.arrayBuffer());
    },
    clock,
    log: silentLog,
  });
}

const claims = (changes: Claims = {}) => goodClaims(clock.now(), changes);

/** Whom the token speaks for, or the reason why it is not believed. */
async function outcome(token: string, by = verifier): Promise<unknown> {
  const verified = await by.verify(token);
  if (!(verified instanceof ReactorError)) return verified;
  // Nothing of a token, right or wrong, is in what its sender and the log are told.
  for (const part of token.split(".").filter((text) => text.length > 8)) {
    expect(JSON.stringify([verified.message, verified.details])).not.toContain(part);
  }
  return verified.code === "auth_required" ? verified.details["reason"] : verified.code;
}

function hmacToken(changes: Claims = {}, key: Uint8Array = secret): Promise<string> {
  return new SignJWT(claims(changes)).setProtectedHeader({ alg: "HS256" }).sign(key);
}

describe("a good token", () => {
  test.each(["rsa", "ec"])("signed with a published %s key is believed", async (kid) => {
    const token = await issuer.sign(kid, claims({ roles: ["a"], tenant: "acme", email: "x" }));
    expect(await outcome(token)).toEqual({
      subject: "ann",
      issuer: issuerName,
      claims: { roles: ["a"], tenant: "acme" },
      expiresAtMs: startMs + 630_000,
    });
  });

  test("signed with the secret is believed", async () => {
    expect(await outcome(await hmacToken())).toMatchObject({ subject: "ann" });
    expect(issuer.fetches).toBe(0);
  });

  test("is known at once the second time, and forgotten when it expires", async () => {
    const token = await issuer.sign("ec", claims());
    const first = await verifier.verify(token);
    expect(verifier.verify(token)).toBe(first);
    await clock.advance(629_999);
    expect(verifier.verify(token)).toBe(first);
    await clock.advance(1);
    expect(await outcome(token)).toBe("expired");
  });

  test("may name one of several audiences, and no subject", async () => {
    const token = await issuer.sign("ec", claims({ aud: ["x", "other-audience"], sub: undefined }));
    expect(await outcome(token)).toMatchObject({ subject: "" });
  });
});

describe("a token is not believed", () => {
  const at = (seconds: number) => startMs / 1000 + seconds;
  test.each<[string, Claims, string]>([
    ["that expired longer ago than clocks differ", { exp: at(-31) }, "expired"],
    ["that is valid later than clocks differ", { nbf: at(31) }, "not_yet_valid"],
    ["of another issuer", { iss: `${issuerName}/` }, "issuer"],
    ["for another audience", { aud: ["reactor2"] }, "audience"],
    ["without exp", { exp: undefined }, "claims"],
    ["without aud", { aud: undefined }, "claims"],
    ["without iss", { iss: undefined }, "claims"],
    ["whose claims are more than rules go through", { roles: Array(257).fill("x") }, "claims"],
  ])("%s", async (_, changes, reason) => {
    expect(await outcome(await issuer.sign("ec", claims(changes)))).toBe(reason);
    expect(await outcome(await hmacToken(changes))).toBe(reason);
  });

  test("within the leeway it is", async () => {
    const token = await issuer.sign("ec", claims({ exp: at(-29), nbf: at(29) }));
    expect(await outcome(token)).toMatchObject({ subject: "ann" });
  });

  test("with a changed payload, header or signature", async () => {
    const token = await issuer.sign("ec", claims());
    const [header = "", payload = "", signature = ""] = token.split(".");
    const forged = Buffer.from(JSON.stringify(claims({ sub: "root" }))).toString("base64url");
    expect(await outcome(`${header}.${forged}.${signature}`)).toBe("signature");
    const flipped = `${signature.slice(0, 10)}${signature[10] === "A" ? "B" : "A"}${signature.slice(11)}`;
    expect(await outcome(`${header}.${payload}.${flipped}`)).toBe("signature");
    expect(await outcome(`${header}.${payload}.`)).toBe("signature");
  });

  test.each(["", "x", "a.b", "a.b.c", "..", "rk_key", "e30.e30.e30", `${"a.".repeat(3)}b`])(
    "that is none: %j",
    async (token) => expect(await outcome(token)).toBe("malformed"),
  );

  test("that is huge", async () => {
    expect(await outcome(await hmacToken({ roles: ["x".repeat(9000)] }))).toBe("too_large");
    expect(await outcome("a".repeat(1_000_000))).toBe("too_large");
  });
});

describe("confusion", () => {
  test("alg none is refused", async () => {
    const none = new UnsecuredJWT(claims()).encode();
    expect(await outcome(none)).toBe("algorithm");
    expect(await outcome(`${none}c2ln`)).toBe("algorithm");
    for (const alg of ["None", "NONE", "nOnE"]) {
      const head = Buffer.from(JSON.stringify({ alg })).toString("base64url");
      expect(await outcome(`${head}.${none.split(".")[1]}.`)).toBe("algorithm");
    }
  });

  test("HS256 with the published RSA key as its secret is refused", async () => {
    const jwk = issuer.jwk("rsa");
    const key = await importJWK(jwk, "RS256", { extractable: true });
    if (key instanceof Uint8Array) throw new Error("not a public key");
    const pem = await exportSPKI(key);
    const head = Buffer.from(JSON.stringify({ alg: "HS256", kid: "rsa" })).toString("base64url");
    const body = Buffer.from(JSON.stringify(claims())).toString("base64url");
    for (const text of [pem, pem.trim(), jwk.n ?? ""]) {
      const mac = createHmac("sha256", text).update(`${head}.${body}`).digest("base64url");
      expect(await outcome(`${head}.${body}.${mac}`)).toBe("signature");
      const without = open({ secret: undefined });
      expect(await outcome(`${head}.${body}.${mac}`, without)).toBe("algorithm");
    }
  });

  test("a symmetric key in the key set is no key", async () => {
    const k = Buffer.from("0".repeat(32)).toString("base64url");
    issuer.answer = () => Response.json({ keys: [{ kty: "oct", kid: "o", k, alg: "HS256" }] });
    const signed = new SignJWT(claims()).setProtectedHeader({
      alg: "HS256",
      kid: "o",
    });
    const token = await signed.sign(Buffer.from("0".repeat(32)));
    expect(await outcome(token)).toBe("signature");
    expect(await outcome(token, open({ secret: undefined }))).toBe("algorithm");
  });

  test("a key that the token brings along, or says where to find, is not used", async () => {
    const stranger = new TestIssuer();
    await stranger.addKey("ec");
    const jwk = stranger.jwk("ec");
    for (const header of [
      { jwk },
      { jku: stranger.url },
      { x5u: stranger.url },
      { kid: stranger.url },
    ]) {
      const token = await stranger.sign("ec", claims(), header);
      expect(await outcome(token)).toBeOneOf(["signature", "unknown_key"]);
    }
    expect(stranger.fetches).toBe(0);
    await stranger.close();
  });

  test.each([
    "../../etc/passwd",
    "' or 1=1 --",
    "__proto__",
    "constructor",
    "x".repeat(4000),
    "\n",
  ])("a key id such as %j is a name that is not there", async (kid) =>
    expect(await outcome(await issuer.sign("ec", claims(), { kid }))).toBe("unknown_key"),
  );

  test("an algorithm that the operator did not name is refused though the key fits", async () => {
    const only = open({ algorithms: ["RS256"] });
    expect(await outcome(await issuer.sign("ec", claims()), only)).toBe("algorithm");
  });

  test("a critical header that is not understood is refused", async () => {
    const head = { alg: "HS256", crit: ["x-new"], "x-new": 1 };
    const coded = Buffer.from(JSON.stringify(head)).toString("base64url");
    const body = Buffer.from(JSON.stringify(claims())).toString("base64url");
    const mac = createHmac("sha256", secret).update(`${coded}.${body}`).digest("base64url");
    expect(await outcome(`${coded}.${body}.${mac}`)).toBe("algorithm");
  });
});

describe("the issuer's keys", () => {
  test("are fetched once for all who wait, and then serve", async () => {
    const tokens = await Promise.all(
      [1, 2, 3].map((n) => issuer.sign("ec", claims({ jti: `${n}` }))),
    );
    await Promise.all(tokens.map((token) => outcome(token)));
    expect(await outcome(await issuer.sign("rsa", claims()))).toMatchObject({ subject: "ann" });
    expect(issuer.fetches).toBe(1);
  });

  test("are fetched again for a key that is not among them, at most twice a minute", async () => {
    await outcome(await issuer.sign("ec", claims()));
    await issuer.addKey("next");
    const token = await issuer.sign("next", claims());
    expect(await outcome(token)).toBe("unknown_key");
    for (let i = 0; i < 20; i++) {
      expect(await outcome(await issuer.sign("ec", claims(), { kid: `guess${i}` }))).toBe(
        "unknown_key",
      );
    }
    expect(issuer.fetches).toBe(1);
    await clock.advance(30_000);
    expect(await outcome(token)).toMatchObject({ subject: "ann" });
    expect(issuer.fetches).toBe(2);
  });

  test("that are taken away end the tokens that they signed, remembered ones too", async () => {
    const token = await issuer.sign("ec", claims({ exp: startMs / 1000 + 86_400 }));
    expect(await outcome(token)).toMatchObject({ subject: "ann" });
    issuer.published = ["rsa"];
    await clock.advance(10 * 60_000 + 1);
    const other = await issuer.sign("rsa", claims());
    expect(await outcome(other)).toMatchObject({ subject: "ann" });
    // A fetch runs beside that token; one that names an unknown key waits for its end.
    await outcome(await issuer.sign("rsa", claims(), { kid: "nope" }));
    expect(await outcome(token)).toBe("unknown_key");
  });

  test("serve on while they cannot be fetched, for a day", async () => {
    const token = () => issuer.sign("ec", claims());
    await outcome(await token());
    issuer.answer = () => new Response("down", { status: 503 });
    await clock.advance(23 * 3_600_000);
    expect(await outcome(await token())).toMatchObject({ subject: "ann" });
    await clock.advance(2 * 3_600_000);
    expect(await outcome(await token())).toBe("auth_unavailable");
    issuer.answer = undefined;
    await clock.advance(30_000);
    expect(await outcome(await token())).toMatchObject({ subject: "ann" });
  });

  test.each<[string, () => Response]>([
    ["an error", () => new Response("", { status: 500 })],
    ["no JSON", () => new Response("<html>")],
    ["no key set", () => Response.json({ jwks: [] })],
    [
      "too many keys",
      () => Response.json({ keys: Array.from({ length: 101 }, () => ({ kty: "EC" })) }),
    ],
  ])("that cannot be had (%s) make it 503 with Retry-After", async (_, answer) => {
    issuer.answer = answer;
    const error = await verifier.verify(await issuer.sign("ec", claims()));
    expect(error).toMatchObject({ code: "auth_unavailable", status: 503, retryAfterSecs: 30 });
    // HS256 needs none of them.
    expect(await outcome(await hmacToken())).toMatchObject({ subject: "ann" });
  });
});
