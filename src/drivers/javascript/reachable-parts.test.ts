import { expect, test } from "bun:test";
import { type BuiltinUse, builtinUse } from "./builtin-use.ts";

const none = { sockets: false, files: false, names: false, datagrams: false };
const all = { sockets: true, files: true, names: true, datagrams: true };
const cases: readonly (readonly [code: string, use: BuiltinUse])[] = [
  ['export default { fetch: () => fetch("https://api.test/net") };', none],
  ['const { join } = await import("node:path"); // the name is required', none],
  ['import net from "node:net";', { ...none, sockets: true }],
  ["import{request}from'https';", { ...none, sockets: true }],
  ['const h = await import("node:_http_client");', { ...none, sockets: true }],
  ['import { writeSync } from "fs";', { ...none, files: true }],
  ['import { open } from "node:fs/promises";', { ...none, files: true }],
  ['import { lookup } from "dns/promises";', { ...none, names: true }],
  ['import dgram from "node:dgram";', { ...none, datagrams: true }],
  ['const name = "ne" + "t"; await import(name);', all],
  ['await import("ne" + "t");', all],
  ["await import( `node:${name}`);", all],
  ['process.getBuiltinModule("n" + "et");', all],
  ['import.meta.require("n" + "et");', all],
  ['import { createRequire as $r } from "node:module";', all],
  ["new Function(text)();", all],
  ["(0, eval)(text); eval (text);", all],
];

test.each(cases)("builtinUse() of %s", (code, use) => {
  expect(builtinUse(Buffer.from(code))).toEqual(use);
});

test("builtinUse() takes a module over 1 MiB to use everything", () => {
  expect(builtinUse(Buffer.alloc(1024 * 1024, " "))).toEqual(none);
  expect(builtinUse(Buffer.alloc(1024 * 1024 + 1, " "))).toEqual(all);
});
