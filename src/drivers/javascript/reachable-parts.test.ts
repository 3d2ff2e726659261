import { expect, test } from "bun:test";
import { type RuntimePart, runtimeParts } from "../guest/runtime-parts.ts";
import { reachableParts } from "./reachable-parts.ts";

const ofNode: readonly RuntimePart[] = ["sockets", "files", "names", "datagrams"];
const cases: readonly (readonly [code: string, parts: readonly RuntimePart[]])[] = [
  ['export default { fetch: () => fetch("https://api.test/net") };', []],
  ['const { join } = await import("node:path"); // the name is required', []],
  ['import net from "node:net";', ["sockets"]],
  ["import{request}from'https';", ["sockets"]],
  ['const h = await import("node:_http_client");', ["sockets"]],
  ['import { writeSync } from "fs";', ["files"]],
  ['import { open } from "node:fs/promises";', ["files"]],
  ['import { lookup } from "dns/promises";', ["names"]],
  ['import dgram from "node:dgram";', ["datagrams"]],
  ['const name = "ne" + "t"; await import(name);', ofNode],
  ['await import("ne" + "t");', ofNode],
  ["await import( `node:${name}`);", ofNode],
  ['process.getBuiltinModule("n" + "et");', ofNode],
  ['import.meta.require("n" + "et");', ofNode],
  ['import { createRequire as $r } from "node:module";', ofNode],
  ["new Function(text)();", ofNode],
  ["(0, eval)(text); eval (text);", ofNode],
  ["new WebSocket(url);", ["web_socket"]],
  ["Bun.connect({});", ["bun_connect"]],
  ['import { SQL } from "bun"; new SQL(url);', ["bun_sql"]],
  ["import{redis}from'bun';", ["bun_redis"]],
  ['const { udpSocket, dns } = globalThis["Bun"];', ["bun_datagrams", "bun_names"]],
  ["connect(); redis(); sql(); dns(); udpSocket();", []],
];

test.each(cases)("reachableParts() of %s", (code, parts) => {
  expect(reachableParts(Buffer.from(code))).toEqual(parts);
});

test("reachableParts() takes a module over 1 MiB to reach everything", () => {
  expect(reachableParts(Buffer.alloc(1024 * 1024, " "))).toEqual([]);
  expect(reachableParts(Buffer.alloc(1024 * 1024 + 1, " "))).toEqual(runtimeParts);
});
