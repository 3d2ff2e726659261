/**
 * Tries what a function at net permission only must not be able to do, each in every way that Deno
 * offers, and answers with what came of it: "done", or the name or code of the error.
 */
export const forbidden = `
import fs from "node:fs";
import os from "node:os";
import { exec, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
const attempt = async (work) => {
  try { await work(); return "done"; } catch (error) { return String(error?.code ?? error?.name ?? error); }
};
const states = async () => Object.fromEntries(await Promise.all(
  ["read", "write", "env", "run", "ffi", "sys", "import", "net"].map(async (name) =>
    [name, (await Deno.permissions.query({ name })).state])));
const ways = {
  "read: Deno.readTextFile": () => Deno.readTextFile("/usr/bin/env"),
  "read: the host's socket": () => Deno.stat("/run/reactor/s"),
  "read: /proc": () => Deno.readTextFile("/proc/self/environ"),
  "read: Deno.readDir": () => Array.fromAsync(Deno.readDir("/")),
  "read: node:fs": () => fs.readFileSync("/usr/bin/env"),
  "read: node:fs.openAsBlob": () => fs.openAsBlob("/usr/bin/env"),
  "read: fetch of a file": async () => (await fetch("file:///usr/bin/env")).text(),
  "read: require": () => createRequire("file:///usr/x.js")("/usr/bin/env"),
  "read: a Unix socket": () => Deno.connect({ transport: "unix", path: "/run/reactor/s" }),
  "write: Deno.writeTextFile": () => Deno.writeTextFile("/tmp/x", "x"),
  "write: Deno.makeTempFile": () => Deno.makeTempFile(),
  "write: node:fs": () => fs.writeFileSync("/tmp/x", "x"),
  "write: node:fs.mkdtemp": () => fs.mkdtempSync("/tmp/x"),
  "env: Deno.env.get": () => { if (Deno.env.get("PATH") === undefined && process.env.PATH === undefined) throw new Error("none"); },
  "env: of another process": () => Deno.readTextFile("/proc/1/environ"),
  "run: Deno.Command": () => new Deno.Command("/usr/bin/env").outputSync(),
  "run: node:child_process.spawn": () => { if (spawnSync("/usr/bin/env").status !== 0) throw new Error("did not run"); },
  "run: node:child_process.exec": () => new Promise((resolve, reject) => exec("true", (error) => error ? reject(error) : resolve())),
  "run: Deno.kill": () => Deno.kill(1, "SIGKILL"),
  "ffi: Deno.dlopen": () => Deno.dlopen("/usr/lib/x86_64-linux-gnu/libc.so.6", {}),
  "ffi: process.dlopen": () => process.dlopen({ exports: {} }, "/usr/lib/x86_64-linux-gnu/libc.so.6"),
  "sys: Deno.hostname": () => Deno.hostname(),
  "sys: node:os.userInfo": () => os.userInfo(),
  "import: a remote module": () => import(["https://", "deno.land/std/version.ts"].join("")),
  "import: an npm package": () => import(["npm:", "chalk"].join("")),
  "import: a file": () => import(["file:///", "usr/bin/env"].join("")),
  "worker: more than its parent": () => new Promise((resolve, reject) => {
    const code = "Deno.readTextFile('/usr/bin/env').then(() => postMessage('read'), () => postMessage('refused'))";
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })), { type: "module" });
    worker.onmessage = ({ data }) => { worker.terminate(); data === "read" ? resolve() : reject(new Error(data)); };
    worker.onerror = (event) => { event.preventDefault(); reject(new Error("refused")); };
  }),
  "asking": async () => { const { state } = await Deno.permissions.request({ name: "read" }); if (state !== "granted") throw new Error(state); },
};
export default { async fetch() {
  const outcomes = {};
  for (const [name, work] of Object.entries(ways)) outcomes[name] = await attempt(work);
  return Response.json({
    states: await states(), outcomes,
    env: { ...process.env }, home: process.env.HOME ?? "none", shown: Deno.env.toObject(), greeting: Deno.env.get("GREETING"),
  });
} };`;

export interface ForbiddenFacts {
  readonly states: Readonly<Record<string, string>>;
  readonly outcomes: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  readonly shown: Readonly<Record<string, string>>;
  readonly greeting: string;
}

/** Names of the outcomes in which something forbidden was done. */
export function whatWasDone(facts: ForbiddenFacts): string[] {
  return Object.entries(facts.outcomes).flatMap(([name, outcome]) =>
    outcome === "done" ? [name] : [],
  );
}
