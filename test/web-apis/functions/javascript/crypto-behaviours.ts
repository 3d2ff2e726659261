import type { Behaviour } from "./behaviours.ts";

const text = new TextEncoder().encode("reactor");
const { subtle } = crypto;
const hex = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("hex");

async function roundTrip(name: string, extra: object, cipher: object): Promise<string> {
  const key = (await subtle.generateKey({ name, ...extra }, true, [
    "encrypt",
    "decrypt",
  ])) as CryptoKey;
  const algorithm = { name, ...cipher };
  return hex(await subtle.decrypt(algorithm, key, await subtle.encrypt(algorithm, key, text)));
}

async function signs(
  algorithm: AlgorithmIdentifier | EcKeyGenParams,
  use?: object,
): Promise<unknown> {
  const pair = (await subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const name = typeof algorithm === "string" ? algorithm : algorithm.name;
  const how = { name, ...use };
  const signature = await subtle.sign(how, pair.privateKey, text);
  const jwk = await subtle.exportKey("jwk", pair.publicKey);
  return [await subtle.verify(how, pair.publicKey, signature, text), jwk.kty, jwk.crv ?? ""];
}

async function agrees(algorithm: AlgorithmIdentifier | EcKeyGenParams): Promise<number> {
  const made = await subtle.generateKey(algorithm, true, ["deriveBits"]);
  const { privateKey, publicKey } = made as CryptoKeyPair;
  const name = typeof algorithm === "string" ? algorithm : algorithm.name;
  return (await subtle.deriveBits({ name, public: publicKey }, privateKey, 256)).byteLength;
}

async function derives(name: string, extra: object): Promise<string> {
  const key = await subtle.importKey("raw", text, name, false, ["deriveBits"]);
  return hex(await subtle.deriveBits({ name, hash: "SHA-256", salt: text, ...extra }, key, 128));
}

const iv = new Uint8Array(16);

/** Web Cryptography by its algorithms. */
export const cryptography: Readonly<Record<string, Behaviour>> = {
  "crypto digests": async () => {
    const names = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
    return Promise.all(names.map(async (name) => hex(await subtle.digest(name, text))));
  },
  "crypto randomness": () => [
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
      crypto.randomUUID(),
    ),
    crypto.getRandomValues(new Uint32Array(4)).length,
  ],
  "crypto HMAC": async () => {
    const key = await subtle.importKey("raw", text, { name: "HMAC", hash: "SHA-256" }, true, [
      "sign",
    ]);
    return hex(await subtle.sign("HMAC", key, text));
  },
  "crypto AES-GCM": () => roundTrip("AES-GCM", { length: 256 }, { iv }),
  "crypto AES-CBC": () => roundTrip("AES-CBC", { length: 128 }, { iv }),
  "crypto AES-CTR": () => roundTrip("AES-CTR", { length: 256 }, { counter: iv, length: 64 }),
  "crypto AES-KW": async () => {
    const wrapper = await subtle.generateKey({ name: "AES-KW", length: 256 }, true, ["wrapKey"]);
    const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, true, ["encrypt"]);
    return (await subtle.wrapKey("raw", key, wrapper, "AES-KW")).byteLength;
  },
  "crypto ECDSA P-256": () => signs({ name: "ECDSA", namedCurve: "P-256" }, { hash: "SHA-256" }),
  "crypto ECDSA P-384": () => signs({ name: "ECDSA", namedCurve: "P-384" }, { hash: "SHA-384" }),
  "crypto ECDSA P-521": () => signs({ name: "ECDSA", namedCurve: "P-521" }, { hash: "SHA-512" }),
  "crypto Ed25519": () => signs("Ed25519"),
  "crypto ECDH": () => agrees({ name: "ECDH", namedCurve: "P-256" }),
  "crypto X25519": () => agrees("X25519"),
  "crypto PBKDF2": () => derives("PBKDF2", { iterations: 10 }),
  "crypto HKDF": () => derives("HKDF", { info: text }),
  "crypto RSA-PSS": async () => {
    const algorithm = {
      name: "RSA-PSS",
      modulusLength: 2048,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: "SHA-256",
    };
    return signs(algorithm, { saltLength: 32 });
  },
  "crypto of node": async () => {
    const { createHash, getHashes, getCiphers, scryptSync, randomInt } = await import(
      "node:crypto"
    );
    const digest = createHash("sha256").update(text).digest("hex");
    const key = scryptSync("a", "b", 16).toString("hex");
    return [digest, getHashes().length, getCiphers().length, key, randomInt(1)];
  },
};
