import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { startServer, type TestServer } from "./reactor.ts";

/** A secret must appear nowhere in clear: API, log, argv, environment, error, database page, disk. */
const canary = "canary-5e1f0a77-do-not-leak";
const forms = [
  canary,
  Buffer.from(canary).toString("base64").replace(/=+$/, ""),
  Buffer.from(canary).toString("hex"),
];
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
  await server.client.createFunction({ name: "keeper", runtime: "bun" });
  await server.client.setEnv("keeper", { key: "API_TOKEN", value: canary, secret: true });
  await server.deploy(
    "keeper",
    `export default { fetch(request, ctx) {
      const path = new URL(request.url).pathname;
      const value = ctx.secrets.get("API_TOKEN");
      if (path === "/log") { console.log("the token is " + value); console.error({ value }); process.stdout.write(value + "\\n"); return new Response("logged"); }
      if (path === "/throw") throw new Error("bad token " + value);
      if (path === "/missing") return new Response(ctx.secrets.get("NO_SUCH"));
      return Response.json({ length: value.length, env: process.env.API_TOKEN === value }); } };`,
    { secret_keys: ["API_TOKEN"] },
  );
});

afterAll(async () => {
  await server.stop();
});

function leaks(text: string): boolean {
  return forms.some((form) => text.includes(form));
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

test("the function receives the secret in ctx and in process.env", async () => {
  expect(await (await server.fetch("/fn/v1/keeper")).json()).toEqual({
    length: canary.length,
    env: true,
  });
});

test("no admin answer holds it", async () => {
  const headers = { authorization: `Bearer ${server.key}` };
  for (const path of [
    "functions",
    "functions/keeper",
    "functions/keeper/env",
    "functions/keeper/deployments",
    "audit",
    "system",
  ]) {
    const text = await (await server.fetch(`/api/v1/${path}`, { headers })).text();
    expect({ path, leaks: leaks(text) }).toEqual({ path, leaks: false });
  }
});

test("it is masked in the function's log and in errors", async () => {
  await (await server.fetch("/fn/v1/keeper/log")).text();
  const failure = await (
    await server.fetch("/fn/v1/keeper/throw", {
      headers: { authorization: `Bearer ${server.key}` },
    })
  ).text();
  expect(leaks(failure)).toBe(false);
  const lines = await server.client.readLogs("keeper");
  expect(lines.some((line) => line.message.includes("the token is"))).toBe(true);
  expect(leaks(JSON.stringify(lines))).toBe(false);
});

test("a missing secret's error names the key", async () => {
  await (await server.fetch("/fn/v1/keeper/missing")).text();
  const lines = await server.client.readLogs("keeper");
  expect(lines.map((line) => line.message).join("\n")).toContain("NO_SUCH");
});

test("no process has it in its arguments or initial environment", async () => {
  const found: string[] = [];
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    for (const file of ["cmdline", "environ"]) {
      const text = await readFile(`/proc/${entry}/${file}`, "latin1").catch(() => "");
      if (leaks(text)) found.push(`${entry}/${file}`);
    }
  }
  expect(found).toEqual([]);
});

test("no file of the data folder holds it, database pages and write-ahead log included", async () => {
  const found: string[] = [];
  for (const path of await filesBelow(server.dataDir)) {
    const bytes = await readFile(path);
    const texts = [bytes.toString("latin1")];
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) texts.push(gunzipSync(bytes).toString("latin1"));
    if (texts.some(leaks)) found.push(path);
  }
  expect(found).toEqual([]);
});

test("nothing the server printed holds it", () => {
  expect(leaks(server.output())).toBe(false);
});

test("a change reaches new invocations without a redeploy", async () => {
  await server.client.setEnv("keeper", {
    key: "API_TOKEN",
    value: "short-but-new-value",
    secret: true,
  });
  expect(await (await server.fetch("/fn/v1/keeper")).json()).toEqual({ length: 19, env: true });
});
