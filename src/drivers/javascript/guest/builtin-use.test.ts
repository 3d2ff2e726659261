import { expect, test } from "bun:test";
import { type BuiltinUse, builtinUse } from "./builtin-use.ts";

const neither = { sockets: false, files: false };
const both = { sockets: true, files: true };
const cases: readonly (readonly [code: string, use: BuiltinUse])[] = [
  ['export default { fetch: () => fetch("https://api.test/net") };', neither],
  ['const { join } = await import("node:path"); // the name is required', neither],
  ['import net from "node:net";', { sockets: true, files: false }],
  ["import{request}from'https';", { sockets: true, files: false }],
  ['const h = await import("node:_http_client");', { sockets: true, files: false }],
  ['import { writeSync } from "fs";', { sockets: false, files: true }],
  ['import { open } from "node:fs/promises";', { sockets: false, files: true }],
  ['const name = "ne" + "t"; await import(name);', both],
  ['await import("ne" + "t");', both],
  ["await import( `node:${name}`);", both],
  ['process.getBuiltinModule("n" + "et");', both],
  ['import.meta.require("n" + "et");', both],
  ['import { createRequire as $r } from "node:module";', both],
  ["new Function(text)();", both],
  ["(0, eval)(text); eval (text);", both],
];

test.each(cases)("builtinUse() of %s", (code, use) => {
  expect(builtinUse(Buffer.from(code))).toEqual(use);
});

test("builtinUse() takes a module over 1 MiB to use everything", () => {
  expect(builtinUse(Buffer.alloc(1024 * 1024, " "))).toEqual(neither);
  expect(builtinUse(Buffer.alloc(1024 * 1024 + 1, " "))).toEqual(both);
});
