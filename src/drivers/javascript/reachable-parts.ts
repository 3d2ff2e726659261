import { type RuntimePart, runtimeParts } from "../guest/runtime-parts.ts";

/** Larger modules are taken to reach everything: importing them costs far more than what is saved. */
const scannedBytesMax = 1024 * 1024;

/** Modules that open node:net sockets, as a whole string. */
const socketModules =
  /["'`](?:node:)?(?:net|tls|https?|http2|_http_\w+|_tls_\w+|cluster|inspector(?:\/promises)?|undici|ws|node-fetch)["'`]/;
const nameModules = /["'`](?:node:)?dns(?:\/promises)?["'`]/;
const datagramModules = /["'`](?:node:)?dgram["'`]/;
const fileModules = /["'`](?:node:)?fs(?:\/promises)?["'`]/;
/** Ways to a module whose name need not stand in the code, and ways to code that is made at run time. */
const namelessRoutes =
  /\b_*require\b|createRequire|getBuiltinModule|\bimport\s*\(\s*(?!\s|["'][^"']*["']\s*[,)])|\beval\b|\bFunction\s*\(|\bnode:(?:module|vm)\b|["'`](?:module|vm)["'`]/;
/** Bun's own clients are reached by its global or its module. */
const bunNames = ["Bun", '"bun"', "'bun'", "`bun`"];

/** What names each part in a module's text. */
const isNamed: Readonly<Record<RuntimePart, (text: ModuleText) => boolean>> = {
  sockets: (text) => text.isNameless || socketModules.test(text.value),
  files: (text) => text.isNameless || fileModules.test(text.value),
  names: (text) => text.isNameless || nameModules.test(text.value),
  datagrams: (text) => text.isNameless || datagramModules.test(text.value),
  web_socket: (text) => text.has("WebSocket"),
  bun_connect: (text) => text.isOfBun && text.has("connect"),
  bun_sql: (text) => text.isOfBun && text.has("SQL", "sql", "postgres"),
  bun_redis: (text) => text.isOfBun && text.has("RedisClient", "redis"),
  bun_datagrams: (text) => text.isOfBun && text.has("udpSocket"),
  bun_names: (text) => text.isOfBun && text.has("dns"),
};

/**
 * Tells from a bundled module's text which parts of its runtime it may reach. Errs towards yes:
 * esbuild writes the names of imported modules as they are, and code that could hold others counts
 * as reaching all of node's. Found here, once for all instances, and told to each guest: an emulated
 * machine takes a tenth of a second for these patterns.
 */
export function reachableParts(code: Uint8Array): readonly RuntimePart[] {
  if (code.byteLength > scannedBytesMax) return runtimeParts;
  const text = new ModuleText(code);
  return runtimeParts.filter((part) => isNamed[part](text));
}

class ModuleText {
  readonly value: string;
  readonly isNameless: boolean;
  readonly isOfBun: boolean;

  constructor(code: Uint8Array) {
    // All that is looked for is ASCII, and Latin-1 needs no decoding.
    this.value = Buffer.from(code.buffer, code.byteOffset, code.byteLength).toString("latin1");
    this.isNameless = namelessRoutes.test(this.value);
    this.isOfBun = this.has(...bunNames);
  }

  has(...words: readonly string[]): boolean {
    return words.some((word) => this.value.includes(word));
  }
}
