import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { startServer, type TestServer } from "../e2e/reactor.ts";
import { dataFolderFaults } from "./data-folder.ts";

/** Writes that the kernel takes in part only: a limit on the size of files cuts them where it lies. */
let server: TestServer;

const source = "export default { fetch: () => new Response(process.env.COLOR) };";

beforeAll(async () => {
  server = await startServer();
  await server.deploy("base", source);
  expect(await setColor("start")).toBe(200);
  expect(await answer()).toBe("start");
});

afterAll(() => server.stop());

async function setColor(value: string): Promise<number> {
  const response = await server.fetch("/api/v1/functions/base/env/COLOR", {
    method: "PUT",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: JSON.stringify({ value }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function answer(): Promise<string> {
  return (await server.fetch("/fn/v1/base")).text();
}

function limitFiles(bytes: number | "unlimited"): void {
  const args = ["prlimit", "--pid", String(server.pid), `--fsize=${bytes}:`];
  const { exitCode, stderr } = Bun.spawnSync(args);
  if (exitCode !== 0) throw new Error(`prlimit: ${stderr.toString()}`);
}

describe.skipIf(Bun.which("prlimit") === null)("a write that is short (needs prlimit)", () => {
  // Within the head of a frame, within its page, within a later one.
  test.each([10, 100, 2000, 5000])(
    "%i bytes into a change of the store is no acknowledgement, and nothing of it is left",
    async (bytes) => {
      const before = await answer();
      const { size } = await stat(join(server.dataDir, "reactor.db-wal"));
      limitFiles(size + bytes);
      try {
        expect(await setColor("x".repeat(20_000))).toBe(503);
        expect(await answer()).toBe(before);
      } finally {
        limitFiles("unlimited");
      }
      expect(await setColor(`after ${bytes}`)).toBe(200);
      expect(await answer()).toBe(`after ${bytes}`);
    },
  );

  test("into a bundle refuses the deploy and leaves nothing", async () => {
    const files = new Map([
      ["index.ts", Buffer.from(source)],
      ["large.txt", Buffer.alloc(4_000_000, "x")],
    ]);
    const deploy = (): Promise<unknown> => server.client.deploy("base", { files, promote: false });
    limitFiles(2_000_000);
    try {
      const refused = await deploy().catch((error: unknown) => error);
      expect(refused).toMatchObject({ status: 503 });
    } finally {
      limitFiles("unlimited");
    }
    expect(await deploy()).toMatchObject({ status: "ready" });
    expect(await dataFolderFaults(server.dataDir)).toEqual([]);
  });

  test("leaves a folder that is whole after kill -9", async () => {
    expect(await setColor("last")).toBe(200);
    server.signal("SIGKILL");
    await server.exited;
    server = await startServer({ dataDir: server.dataDir });
    expect(await answer()).toBe("last");
    expect(await dataFolderFaults(server.dataDir)).toEqual([]);
  });
});
