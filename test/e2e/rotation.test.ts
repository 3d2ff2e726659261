import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFile, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reactor, startServer, type TestServer } from "./reactor.ts";

const secret = "rotate-me-5b1d";
let server: TestServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-rotation-"));
  server = await startServer();
  await server.client.createFunction({ name: "keeper", runtime: "bun" });
  await server.client.setEnv("keeper", { key: "TOKEN", value: secret, secret: true });
  await server.deploy(
    "keeper",
    'let served = 0; export default { fetch: (_, ctx) => Response.json([ctx.secrets.get("TOKEN"), ++served]) };',
    { concurrency: { max_instances: 1 } },
  );
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What a server made of the backup answers, with this file as its data key. */
async function answerOf(backup: string, keyFile: string, name: string): Promise<unknown> {
  const dataDir = join(folder, name);
  const restored = await reactor(["backup", "restore", backup, "--data-dir", dataDir]);
  expect([restored.code, restored.stderr]).toEqual([0, expect.any(String)]);
  await copyFile(keyFile, join(dataDir, "data.key"));
  await copyFile(join(server.dataDir, "admin.key"), join(dataDir, "admin.key"));
  const other = await startServer({ dataDir });
  const answer = (await (await other.fetch("/fn/v1/keeper")).json()) as unknown[];
  await other.stop();
  return answer[0];
}

test("the data key is rotated three times under load, and no invocation fails or starts an instance", async () => {
  const keyFile = join(server.dataDir, "data.key");
  const before = await readFile(keyFile, "utf8");
  const backup = join(folder, "before.backup");
  expect((await server.cli("backup", "create", "--output", backup)).code).toBe(0);

  const stop = new AbortController();
  let answers = 0;
  const wrong: string[] = [];
  const load = Array.from({ length: 8 }, async () => {
    while (!stop.signal.aborted) {
      const response = await server.fetch("/fn/v1/keeper");
      const text = await response.text();
      answers += 1;
      if (response.status !== 200 || JSON.parse(text)[0] !== secret) wrong.push(text);
    }
  });
  const rotations = [];
  for (let i = 0; i < 3; i++) rotations.push(await server.cli("secrets", "rotate-key"));
  stop.abort();
  await Promise.all(load);

  expect(rotations.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(rotations[0]?.stdout).toMatch(
    /^Moved 1 secret from data key [0-9a-f]{16} to [0-9a-f]{16}\n$/,
  );
  expect(wrong).toEqual([]);
  // One instance served all of it, so the secret reached none anew.
  const last = (await (await server.fetch("/fn/v1/keeper")).json()) as [string, number];
  expect(last).toEqual([secret, answers + 1]);

  expect(await readFile(keyFile, "utf8")).not.toBe(before);
  expect(((await stat(keyFile)).mode & 0o777).toString(8)).toBe("600");
  const kept = (await readdir(server.dataDir)).filter((name) => name.startsWith("data.key"));
  expect(kept.length).toBe(4);
  const texts = await Promise.all(kept.map((name) => readFile(join(server.dataDir, name), "utf8")));
  const former = kept[texts.indexOf(before)] ?? "";
  expect(former).toMatch(/^data\.key\.[0-9a-f]{16}$/);
  // A backup from before opens with the key that was kept, one from after with the new one.
  expect(await answerOf(backup, join(server.dataDir, former), "old")).toBe(secret);
  const after = join(folder, "after.backup");
  expect((await server.cli("backup", "create", "--output", after)).code).toBe(0);
  expect(await answerOf(after, keyFile, "new")).toBe(secret);
});

test("a key from the settings is changed there: the start moves the secrets", async () => {
  const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString("base64"));
  const dataDir = join(folder, "settings");
  const env = { REACTOR_FUNCTIONS_DATA_KEY: first ?? "" };
  const one = await startServer({ dataDir, env });
  await one.client.createFunction({ name: "keeper", runtime: "bun" });
  await one.client.setEnv("keeper", { key: "TOKEN", value: secret, secret: true });
  const source = 'export default { fetch: (_, ctx) => new Response(ctx.secrets.get("TOKEN")) };';
  await one.deploy("keeper", source);
  const refused = await one.cli("secrets", "rotate-key");
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("data_key_previous")]);
  await one.stop({ keepData: true });

  const both = {
    REACTOR_FUNCTIONS_DATA_KEY: second ?? "",
    REACTOR_FUNCTIONS_DATA_KEY_PREVIOUS: first ?? "",
  };
  const two = await startServer({ dataDir, env: both });
  expect(await (await two.fetch("/fn/v1/keeper")).text()).toBe(secret);
  await two.stop({ keepData: true });
  // The former key is needed no more.
  const three = await startServer({ dataDir, env: { REACTOR_FUNCTIONS_DATA_KEY: second ?? "" } });
  expect(await (await three.fetch("/fn/v1/keeper")).text()).toBe(secret);
  await three.stop();
});
