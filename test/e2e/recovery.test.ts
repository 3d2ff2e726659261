import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import { copyFile, cp, mkdtemp, open, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { injected, straceMissing } from "../faults/strace.ts";
import { reactor, root, startServer, type TestServer } from "./reactor.ts";

/** What a server makes of the data folder that it finds: its own after a kill, or a damaged one. */
let folder: string;
let sound: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-recovery-"));
  sound = join(folder, "sound");
  const server = await startServer({ dataDir: sound });
  await server.deploy("stays", `export default { fetch: () => new Response("still here") };`);
  await server.stop({ keepData: true });
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function freshCopy(): Promise<string> {
  const data = join(folder, "data");
  await rm(data, { recursive: true, force: true });
  await cp(sound, data, { recursive: true });
  return data;
}

const overwrite = async (file: string, position: number, bytes: Uint8Array): Promise<void> => {
  const handle = await open(file, "r+");
  await handle.write(bytes, 0, bytes.length, position);
  await handle.close();
};

describe("a damaged store is refused at start with what was found and what to do, never reset:", () => {
  test.each<readonly [string, string, (database: string) => Promise<void>]>([
    ["emptied", "the file is empty", (file) => truncate(file, 0)],
    ["lost", "admin.key shows that there was one", (file) => rm(file)],
    ["flipped", "damaged", (file) => overwrite(file, 3 * 4096, Buffer.alloc(64, 0xff))],
  ])("%s", async (_, found, damage) => {
    const data = await freshCopy();
    await damage(join(data, "reactor.db"));
    const before = await readFile(join(data, "reactor.db")).catch(() => undefined);
    const args = ["--listen", "127.0.0.1:0", "--data-dir", data];
    const refused = await reactor(["serve", ...args]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(found);
    expect(refused.stderr).toContain("reactor backup restore");
    const after = await readFile(join(data, "reactor.db")).catch(() => undefined);
    expect(after).toEqual(before);
  });
});

test("data of a newer format are refused, naming the Reactor that made them; doctor says the same", async () => {
  const data = await freshCopy();
  const database = new Database(join(data, "reactor.db"));
  database.run("insert into reactor_migrations values (99, 'future', 'x', 0, '77.0.0')");
  database.close();
  const args = ["--listen", "127.0.0.1:0", "--data-dir", data];
  const refused = await reactor(["serve", ...args]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("format version 99, made by Reactor 77.0.0");
  const examined = await reactor(["doctor", ...args]);
  expect(examined.stdout).toContain("format 99 by Reactor 77.0.0");
});

test("doctor reads through the store of a running server and reports its format", async () => {
  const data = await freshCopy();
  const server = await startServer({ dataDir: data });
  try {
    const { stdout } = await reactor(["doctor", "--listen", "127.0.0.1:0", "--data-dir", data]);
    expect(stdout).toMatch(/store +format \d+ by Reactor \S+, 1 MiB/);
    expect(stdout).toContain("every page, index and reference is sound");
    expect(await (await server.fetch("/fn/v1/stays")).text()).toBe("still here");
  } finally {
    await server.stop({ keepData: true });
  }
});

test("a log that lost stored changes is refused; as kill -9 left it, it starts", async () => {
  const data = await freshCopy();
  const server = await startServer({ dataDir: data });
  await server.deploy("late", `export default { fetch: () => new Response("late") };`);
  server.signal("SIGKILL");
  await server.exited;
  const wal = join(data, "reactor.db-wal");
  await copyFile(wal, join(folder, "wal"));
  await truncate(wal, Bun.file(wal).size - 100);
  const refused = await reactor(["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("sound frames");
  await copyFile(join(folder, "wal"), wal);
  const again = await startServer({ dataDir: data });
  expect(await (await again.fetch("/fn/v1/late")).text()).toBe("late");
  await again.stop({ keepData: true });
});

describe.skipIf(straceMissing !== undefined)(
  `kill -9 of a first start (${straceMissing ?? "by strace"})`,
  () => {
    test.each([30, 76])(
      "at call %i leaves a folder that starts, with a key that works",
      async (nth) => {
        const data = join(folder, `first-${nth}`);
        const syscalls = "pwrite64,write,fsync,rename,link,unlink";
        const fault = { syscalls, fault: `signal=SIGKILL:when=${nth}` };
        const argv = [
          join(root, "bin/reactor"),
          "serve",
          "--listen",
          "127.0.0.1:0",
          "--data-dir",
          data,
        ];
        const child = Bun.spawn(injected(fault, argv), { stdout: "pipe", stderr: "ignore" });
        await child.exited;
        const server: TestServer = await startServer({ dataDir: data });
        await server.deploy("first", `export default { fetch: () => new Response("ok") };`);
        expect(await (await server.fetch("/fn/v1/first")).text()).toBe("ok");
        await server.stop();
      },
    );
  },
);
