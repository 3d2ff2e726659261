import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir } from "node:fs/promises";
import type { Socket } from "node:net";
import { rawConnection, rawExchange } from "../e2e/raw-http.ts";
import { startServer, type TestServer, until } from "../e2e/reactor.ts";
import { inject, straceMissing } from "./strace.ts";

/** The server runs out of what the machine has: descriptors, processes. */
let server: TestServer;

const source = `export default { fetch: () => new Response("warm") };`;

beforeAll(async () => {
  server = await startServer({ env: { REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES: "0" } });
  await server.deploy("warm", source, { concurrency: { min_instances: 1, max_instances: 1 } });
  await server.deploy("cold", source, { concurrency: { max_instances: 1 } });
  expect(await answer("warm")).toBe("200 warm");
});

afterAll(() => server.stop());

async function answer(name: string): Promise<string> {
  const response = await server.fetch(`/fn/v1/${name}`);
  const text = await response.text();
  return response.ok ? `${response.status} ${text}` : `${response.status}`;
}

function limitDescriptors(limit: string): void {
  const { exitCode, stderr } = Bun.spawnSync([
    "prlimit",
    "--pid",
    String(server.pid),
    `--nofile=${limit}`,
  ]);
  if (exitCode !== 0) throw new Error(`prlimit: ${stderr.toString()}`);
}

const descriptors = async (): Promise<number> => (await readdir(`/proc/${server.pid}/fd`)).length;

describe.skipIf(Bun.which("prlimit") === null)("descriptors (needs prlimit)", () => {
  test("that run out cost the clients beyond them, not those that are there, and it heals", async () => {
    const request = "GET /fn/v1/warm HTTP/1.1\r\nHost: x\r\n\r\n";
    const kept = await rawConnection(server.port);
    let text = "";
    kept.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    const before = await descriptors();
    limitDescriptors(`${before + 20}:`);
    const crowd: Socket[] = [];
    try {
      for (let client = 0; client < 60; client++) {
        const socket = await rawConnection(server.port);
        socket.on("error", () => undefined);
        crowd.push(socket);
      }
      await until("no descriptor is left", async () => (await descriptors()) >= before + 18);
      for (let call = 1; call <= 5; call++) {
        kept.write(request);
        await until(
          "who was there before is answered",
          () => text.split("\r\n\r\nwarm").length > call,
        );
      }
    } finally {
      for (const socket of crowd) socket.destroy();
      limitDescriptors("4096:");
    }
    kept.destroy();
    await until("new clients are answered", async () => {
      const { answers } = await rawExchange(server.port, request, { answers: 1 });
      return answers[0]?.body === "warm";
    });
    expect(await answer("cold")).toBe("200 warm");
    await until("the descriptors are given back", async () => (await descriptors()) <= before + 8);
  }, 60_000);
});

describe.skipIf(straceMissing !== undefined)(`processes (${straceMissing ?? "by strace"})`, () => {
  test("that cannot be started fail a cold call by name, warm ones go on, and it heals", async () => {
    await server.deploy("first", source, { concurrency: { max_instances: 1, idle_ttl_secs: 1 } });
    const fault = await inject(server.pid, {
      syscalls: "clone,clone3,fork,vfork",
      fault: "error=EAGAIN",
    });
    try {
      const files = new Map([
        ["index.ts", Buffer.from(`${source} // another`)],
        ["reactor.json", Buffer.from(JSON.stringify({ name: "first", access: "public" }))],
      ]);
      const refused = await server.client.deploy("first", { files, promote: true });
      expect(refused.status).toBe("failed");
      expect(JSON.stringify(refused.failure)).toContain("EAGAIN");
      expect(await answer("warm")).toBe("200 warm");
    } finally {
      await fault.detach();
    }
    expect(await answer("first")).toBe("200 warm");
    await server.deploy("first", `${source} // a third`);
    expect(await answer("first")).toBe("200 warm");
  }, 60_000);
});
