import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { microvmMissing } from "../../src/drivers/microvm/images/test-images.harness.ts";
import { makeRunDir, processesWith, startServer, type TestServer, until } from "./reactor.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
/** A deploy may have to make an image and boot two templates first, emulated and beside other work. */
const limitMs = 240_000;

const source = `
import { randomUUID } from "node:crypto";
const imported = randomUUID();
console.log("imported once");
export default { fetch: (_, ctx) => Response.json({
  imported, drawn: randomUUID(), greeting: process.env.GREETING ?? null, requestId: ctx.requestId,
}) };`;

interface Seen {
  readonly imported: string;
  readonly drawn: string;
  readonly greeting: string | null;
  readonly requestId: string;
}

describe.if(microvmMissing === undefined)(`deployments with a snapshot${because}`, () => {
  let server: TestServer;
  let runDir: string;
  const start = (dataDir?: string): Promise<TestServer> =>
    startServer({
      ...(dataDir !== undefined && { dataDir }),
      microvms: "own templates",
      env: { REACTOR_RUN_DIR: runDir },
    });

  beforeAll(async () => {
    runDir = await makeRunDir();
    server = await start();
  }, limitMs);

  afterAll(() => server.stop());

  const deploy = (name: string): Promise<{ readonly id: string; readonly status: string }> => {
    const written = {
      name,
      runtime: "bun",
      isolation: "microvm",
      access: "public",
      snapshot: true,
    };
    const files = new Map<string, Uint8Array>([
      ["index.ts", Buffer.from(source)],
      ["reactor.json", Buffer.from(JSON.stringify(written))],
    ]);
    return server.client.deploy(name, { files, promote: true, createFunction: true });
  };
  const call = async (name: string): Promise<Seen> =>
    (await (await server.fetch(`/fn/v1/${name}`)).json()) as Seen;
  const templates = (): readonly string[] => {
    const folder = join(server.dataDir, "microvm", "templates");
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  };
  const snapshotsOf = (deploymentId: string): readonly string[] =>
    templates().filter((folder) => {
      const record = join(folder, "template.json");
      return existsSync(record) && readFileSync(record, "utf8").includes(`"${deploymentId}"`);
    });
  const logged = async (name: string, text: string): Promise<number> =>
    (await server.cli("functions", "logs", name)).stdout.split(text).length - 1;

  test(
    "begin imported, also after kill -9 of the server; env set later is honoured; the snapshot goes with the function",
    async () => {
      const { id } = await deploy("snapped");
      expect(snapshotsOf(id).length).toBe(1);
      // The proof of the deployment and its snapshot.
      await until(
        "both imports are logged",
        async () => (await logged("snapped", "imported once")) === 2,
      );
      const first = await call("snapped");
      const { dataDir } = server;
      server.signal("SIGKILL");
      await server.exited;
      server = await start(dataDir);
      const second = await call("snapped");
      expect(second.imported).toBe(first.imported);
      expect(second.drawn).not.toBe(first.drawn);
      expect(second.requestId).not.toBe(first.requestId);
      expect(await logged("snapped", "imported once")).toBe(2);

      await server.cli("functions", "env", "set", "snapped", "GREETING", "hello");
      const greeted = await call("snapped");
      expect(greeted.greeting).toBe("hello");
      expect(greeted.imported).not.toBe(first.imported);
      await until(
        "the log says so",
        async () => (await logged("snapped", "without its snapshot, which has no GREETING")) > 0,
      );
      const refused = await deploy("snapped").catch((error: unknown) => error);
      expect(String(refused)).toContain("receives GREETING");

      await server.client.deleteFunction("snapped");
      await until("the snapshot is gone", () => snapshotsOf(id).length === 0);
    },
    limitMs,
  );

  test(
    "that are killed in the middle leave no machine and no file",
    async () => {
      const deploying = deploy("halfway").catch((error: unknown) => error);
      const machines = async (): Promise<readonly string[]> =>
        (await processesWith(runDir)).filter((line) => line.includes("qemu"));
      const drafts = (): readonly string[] =>
        templates().filter((folder) => folder.includes("building-"));
      await until("the snapshot is being made", () => drafts().length > 0, { looksMax: 6000 });
      const { dataDir } = server;
      server.signal("SIGKILL");
      await server.exited;
      await deploying;
      await until("every machine is gone", async () => (await machines()).length === 0);
      server = await start(dataDir);
      const { id } = await deploy("halfway");
      expect(drafts()).toEqual([]);
      expect(snapshotsOf(id).length).toBe(1);
      expect((await call("halfway")).imported).toBe((await call("halfway")).imported);
    },
    limitMs,
  );
});
