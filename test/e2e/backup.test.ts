import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { createSeededRandom } from "../../src/base/random.ts";
import { receiveBackup } from "../../src/cli/commands/backup/receive-backup.ts";
import { createClient } from "../../src/client/client.ts";
import { BackupFault } from "../../src/domain/backup/backup-fault.ts";
import { verifyBackup } from "../../src/server/backup/verify-backup.ts";
import { reactor, type RunResult, startServer, type TestServer, until } from "./reactor.ts";

/** Backups of a real server that serves and deploys meanwhile, restored and served again. */
const passphrase = "twelve or more characters";
const secretSource = `export default { fetch: () => new Response(process.env.TOKEN + " " + process.env.PLAIN) };`;
let server: TestServer;
let folder: string;
/** A backup of the server before it had more than small functions. */
let small: Buffer;

beforeAll(async () => {
  server = await startServer();
  await server.deploy("hello", `export default { fetch: () => new Response("one") };`);
  await server.cli("functions", "create", "keeper");
  for (const [key, value, secret] of [
    ["TOKEN", "the-secret-value", true],
    ["PLAIN", "plain", false],
  ] as const) {
    await server.client.setEnv("keeper", { key, value, secret });
  }
  await server.deploy("keeper", secretSource);
  const { body } = await server.client.createBackup();
  small = Buffer.from(await new Response(body).arrayBuffer());
  // More than any socket buffers, so that a reader who stops really stops the server.
  const big = new Map<string, Uint8Array>([
    ["index.ts", Buffer.from(`export default { fetch: () => new Response("big") };`)],
    ["asset.bin", randomBytes(12_000_000)],
  ]);
  await server.client.deploy("big", { files: big, promote: true, createFunction: true });
});
afterAll(() => server.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-backup-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** `reactor backup …` with the test's server and, on stdin, the passphrase. */
function backup(...args: string[]): Promise<RunResult> {
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  return reactor(["backup", ...args], { env, stdin: `${passphrase}\n` });
}

/** Invokes and deploys until told to stop; returns how often and what went wrong. */
function load() {
  const counts = { invoked: 0, deployed: 0, failed: [] as string[] };
  const state = { done: false };
  const invoke = async (): Promise<void> => {
    while (!state.done) {
      const response = await server.fetch("/fn/v1/hello").catch((error: unknown) => String(error));
      const text = typeof response === "string" ? response : await response.text();
      if (!/^(one|two \d+)$/.test(text)) counts.failed.push(text);
      counts.invoked += 1;
    }
  };
  const deploy = async (): Promise<void> => {
    for (let i = 0; !state.done; i++) {
      const source = `export default { fetch: () => new Response("two ${i}") };`;
      await server.deploy("hello", source).catch((error: unknown) => {
        counts.failed.push(String(error));
      });
      counts.deployed += 1;
    }
  };
  const running = Promise.all([invoke(), deploy()]);
  return async () => {
    state.done = true;
    await running;
    return counts;
  };
}

test("a backup taken under load restores to a server that answers as before, secrets included", async () => {
  const file = join(folder, "all.tar");
  const stop = load();
  const made = await backup("create", "--output", file, "--wrap-key");
  const counts = await stop();
  expect({ code: made.code, failed: counts.failed }).toEqual({ code: 0, failed: [] });
  expect(counts.invoked).toBeGreaterThan(0);
  expect(made.stderr).not.toContain("IS NOT IN THIS BACKUP");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const verified = await backup("verify", file, "--unwrap-key");
  expect(verified).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("the passphrase opens it"),
  });
  const bytes = await readFile(file);
  for (const text of ["the-secret-value", passphrase, server.key]) {
    expect(bytes.includes(text)).toBe(false);
  }
  expect(server.output()).not.toContain(passphrase);

  const dataDir = join(folder, "restored");
  const restored = await backup("restore", file, "--data-dir", dataDir, "--unwrap-key");
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining(dataDir) });
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  expect((await stat(join(dataDir, "data.key"))).mode & 0o777).toBe(0o600);
  expect((await readdir(folder)).sort()).toEqual(["all.tar", "restored"]);
  // No admin key is made anew: the old one is put where the test helper looks for it.
  await writeFile(join(dataDir, "admin.key"), `${server.key}\n`, { mode: 0o600 });
  const again = await startServer({ dataDir });
  try {
    expect(await (await again.fetch("/fn/v1/hello")).text()).toMatch(/^(one|two \d+)$/);
    expect(await (await again.fetch("/fn/v1/keeper")).text()).toBe("the-secret-value plain");
    const [listed, before] = await Promise.all([
      again.client.listFunctions(),
      server.client.listFunctions(),
    ]);
    expect(listed.items.map(({ name }) => name)).toEqual(before.items.map(({ name }) => name));
    await again.deploy("hello", `export default { fetch: () => new Response("after") };`);
    expect(await (await again.fetch("/fn/v1/hello")).text()).toBe("after");
  } finally {
    await again.stop();
  }
  // Beside other files it shares two processors with its own load, and starts five processes.
}, 180_000);

test("without the data key create says so loudly, and the restored server names the key it needs", async () => {
  const [file, dataDir] = [join(folder, "plain.tar"), join(folder, "restored")];
  const made = await backup("create", "--output", file);
  expect(made.stderr).toMatch(/THE DATA KEY [0-9a-f]{16} IS NOT IN THIS BACKUP/);
  const id = /DATA KEY ([0-9a-f]{16})/.exec(made.stderr)?.[1] ?? "none";
  const restored = await backup("restore", file, "--data-dir", dataDir);
  expect(restored.stderr).toContain("THE SECRETS CANNOT BE READ YET");
  const serving = await reactor(["serve", "--listen", "127.0.0.1:0", "--data-dir", dataDir]);
  expect(serving.code).toBe(1);
  expect(serving.stderr).toContain(id);
  expect(existsSync(join(dataDir, "data.key"))).toBe(false);
  const key = join(server.dataDir, "data.key");
  const withKey = join(folder, "with-key");
  const args = ["restore", file, "--data-dir", withKey, "--new-admin-key", "--data-key-file", key];
  expect((await backup(...args)).code).toBe(0);
  const again = await startServer({ dataDir: withKey });
  try {
    expect(again.key).not.toBe(server.key);
    expect(await (await again.fetch("/fn/v1/keeper")).text()).toBe("the-secret-value plain");
    expect((await again.client.listKeys({ allProjects: true })).length).toBe(2);
  } finally {
    await again.stop();
  }
});

test("a bit flipped at 200 seeded places of a real backup, and a cut anywhere, are all found", async () => {
  const random = createSeededRandom(21);
  const { signal } = new AbortController();
  const damaged = join(folder, "damaged.tar");
  const check = async (content: Uint8Array): Promise<unknown> => {
    await writeFile(damaged, content);
    return verifyBackup({ file: damaged, signal, clock: systemClock }).catch(
      (error: unknown) => error,
    );
  };
  expect(await check(small)).toMatchObject({ files: expect.any(Array) });
  for (let i = 0; i < 200; i++) {
    const at = random.uint32() % small.length;
    const bytes = Buffer.from(small);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (i % 8));
    expect({ at, fault: await check(bytes) }).toEqual({ at, fault: expect.any(BackupFault) });
  }
  for (let i = 0; i < 20; i++) {
    const cut = i === 0 ? small.length - 1 : random.uint32() % small.length;
    expect(String(await check(small.subarray(0, cut)))).toContain(`cut off at byte ${cut}`);
  }
  const verified = await backup("verify", join(folder, "damaged.tar"));
  expect(verified).toMatchObject({ code: 1, stderr: expect.stringContaining("cut off at byte") });
});

test("a second backup while one is sent is refused with conflict, and one that is broken off frees its place", async () => {
  const { key } = await server.client.createKey({
    name: "nightly",
    scopes: ["backups:read"],
    allProjects: true,
  });
  const first = await createClient({ url: server.url, key }).createBackup();
  const second = await server.client.createBackup().catch((error: unknown) => error);
  expect(second).toMatchObject({ code: "conflict", status: 409 });
  const own = await server.client.createKey({ name: "own", scopes: ["backups:read"] });
  const confined = createClient({ url: server.url, key: own.key }).createBackup();
  expect(await confined.catch((error: unknown) => error)).toMatchObject({ status: 403 });
  await first.body.cancel();
  await until("the place is free", async () => {
    const next = await server.client.createBackup().catch(() => undefined);
    await next?.body.cancel();
    return next !== undefined;
  });
  await until("the copy of the store is removed", async () => {
    return (await readdir(join(server.dataDir, "backup"))).length === 0;
  });
});

test("a bundle that is missing on the server is left out, and create and verify name it", async () => {
  const { id } = await server.client.deploy("hello", {
    files: new Map([
      ["index.ts", Buffer.from(`export default { fetch: () => new Response("x") };`)],
    ]),
  });
  expect(id).toMatch(/^dep_/);
  const root = join(server.dataDir, "functions", "bundles");
  const newest = (await readdir(root, { recursive: true })).filter((name) =>
    /[0-9a-f]{64}$/.test(name),
  );
  const dated = await Promise.all(
    newest.map(async (name) => ({ name, atMs: (await stat(join(root, name))).mtimeMs })),
  );
  const lost = dated.sort((a, b) => b.atMs - a.atMs)[0]?.name ?? "";
  await rm(join(root, lost));
  const digest = lost.slice(-64);
  const file = join(folder, "all.tar");
  const made = await backup("create", "--output", file);
  expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining(digest) });
  expect(await backup("verify", file)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining(digest),
  });
});

test("kill -9 of the server in mid-backup leaves no file, and its next start removes the copy", async () => {
  const victim = await startServer();
  const files = new Map<string, Uint8Array>([
    ["index.ts", Buffer.from(`export default { fetch: () => new Response("v") };`)],
    ["asset.bin", randomBytes(12_000_000)],
  ]);
  await victim.client.deploy("v", { files, promote: true, createFunction: true });
  const file = join(folder, "never.tar");
  const receiving = receiveBackup({
    file,
    signal: new AbortController().signal,
    download: () => victim.client.createBackup(),
    onBytes: () => victim.signal("SIGKILL"),
  }).catch((error: unknown) => String(error));
  expect(await receiving).toContain("was not written");
  await victim.exited;
  expect(await readdir(folder)).toEqual([]);
  expect((await readdir(join(victim.dataDir, "backup"))).length).toBe(1);
  const again = await startServer({ dataDir: victim.dataDir });
  expect(await readdir(join(victim.dataDir, "backup"))).toEqual([]);
  await again.stop();
});

test("kill -9 of a restore leaves no data folder, and the next restore cleans up and succeeds", async () => {
  const [file, dataDir] = [join(folder, "all.tar"), join(folder, "restored")];
  expect((await backup("create", "--output", file)).code).toBe(0);
  const child = Bun.spawn(
    [
      join(import.meta.dirname, "../../bin/reactor"),
      "backup",
      "restore",
      file,
      "--data-dir",
      dataDir,
    ],
    {
      stdout: "ignore",
      stderr: "ignore",
    },
  );
  const begun = (): Promise<string[]> =>
    readdir(folder).then((names) => names.filter((name) => name.includes(".restoring-")));
  while ((await begun()).length === 0 && child.exitCode === null) await Bun.sleep(1);
  child.kill("SIGKILL");
  await child.exited;
  expect(existsSync(dataDir)).toBe(false);
  expect((await begun()).length).toBe(1);
  expect((await backup("restore", file, "--data-dir", dataDir)).code).toBe(0);
  expect((await readdir(folder)).sort()).toEqual(["all.tar", "restored"]);
  const refused = await backup("restore", file, "--data-dir", dataDir);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("it is not empty") });
  const inUse = await backup("restore", file, "--data-dir", server.dataDir);
  expect(inUse).toMatchObject({ code: 1, stderr: expect.stringContaining("a server uses it") });
});

const canMount = process.getuid?.() === 0 && Bun.which("mount") !== null;

test.skipIf(!canMount)(
  "a full disk under the output leaves no file and says so (needs root to mount one)",
  async () => {
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "none", folder]).exitCode).toBe(
      0,
    );
    try {
      const made = await backup("create", "--output", join(folder, "all.tar"));
      expect(made).toMatchObject({ code: 1, stderr: expect.stringContaining("The disk is full") });
      expect(await readdir(folder)).toEqual([]);
    } finally {
      Bun.spawnSync(["umount", folder]);
    }
  },
);
