import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer, type TestServer } from "../e2e/reactor.ts";
import { dataFolderFaults } from "./data-folder.ts";
import { inject, type Injection, straceMissing } from "./strace.ts";

/** The disk under a running server fails; see also src/blobs and src/journal for theirs alone. */
const source = `export default { fetch: () => new Response(process.env.COLOR) };`;

async function setColor(server: TestServer, value: string): Promise<number> {
  const response = await server.fetch("/api/v1/functions/base/env/COLOR", {
    method: "PUT",
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    body: JSON.stringify({ value }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function deployStatus(server: TestServer): Promise<number> {
  const files = new Map([
    ["index.ts", Buffer.from(`${source} // ${Bun.randomUUIDv7()}`)],
    ["reactor.json", Buffer.from(JSON.stringify({ name: "base", access: "public" }))],
  ]);
  return server.client.deploy("base", { files, promote: false }).then(
    () => 201,
    (error: { status?: number }) => error.status ?? 0,
  );
}

const answer = async (server: TestServer): Promise<string> =>
  (await server.fetch("/fn/v1/base")).text();

const listed = async (server: TestServer): Promise<number> =>
  (await server.client.listDeployments("base")).items.length;

describe.skipIf(straceMissing !== undefined)(
  `a disk that fails (${straceMissing ?? "by strace"})`,
  () => {
    let server: TestServer;
    let color = "start";
    beforeAll(async () => {
      server = await startServer();
      await server.deploy("base", source);
      expect(await setColor(server, color)).toBe(200);
      await answer(server);
    });
    afterAll(() => server.stop());

    const whileFailing = async (injection: Injection, work: () => Promise<void>): Promise<void> => {
      const fault = await inject(server.pid, injection);
      try {
        await work();
      } finally {
        await fault.detach();
      }
    };

    test.each([
      ["every sync of the store fails", "fsync,fdatasync", "error=EIO", "reactor.db-wal", 503],
      ["every write of the store fails", "pwrite64", "error=EIO", "reactor.db-wal", 503],
      ["the disk of the store is full", "pwrite64", "error=ENOSPC", "reactor.db-wal", 507],
      ["the third write of the store fails", "pwrite64", "error=EIO:when=3", "reactor.db-wal", 503],
    ])(
      "%s: nothing is acknowledged, reads and invocations go on, and it heals",
      async (_, syscalls, fault, file, status) => {
        const path = join(server.dataDir, file);
        await whileFailing({ syscalls, fault, path }, async () => {
          expect(await setColor(server, "never")).toBe(status);
          expect(await answer(server)).toBe(color);
          expect(await listed(server)).toBeGreaterThan(0);
        });
        expect(await answer(server)).toBe(color);
        color = `after ${fault}`;
        expect(await setColor(server, color)).toBe(200);
        expect(await answer(server)).toBe(color);
      },
    );

    test.each([
      ["write", "pwrite64"],
      ["sync", "fsync,fdatasync"],
    ])(
      "whichever %s of the store fails, what is acknowledged is there and the rest is not",
      async (_, syscalls) => {
        const path = join(server.dataDir, "reactor.db-wal");
        for (let nth = 1; nth <= 4; nth++) {
          const fault = `error=EIO:when=${nth}`;
          await whileFailing({ syscalls, fault, path }, async () => {
            let refused = 0;
            for (let change = 0; change < nth && refused === 0; change++) {
              const value = `${syscalls} ${nth} ${change}`;
              const status = await setColor(server, value);
              if (status === 200) color = value;
              else refused = status;
              expect(await answer(server)).toBe(color);
            }
            expect({ nth, refused }).toEqual({ nth, refused: 503 });
          });
          expect(await answer(server)).toBe(color);
        }
        server.signal("SIGKILL");
        await server.exited;
        server = await startServer({ dataDir: server.dataDir });
        expect(await answer(server)).toBe(color);
        expect(await dataFolderFaults(server.dataDir)).toEqual([]);
      },
    );

    test.each([
      ["rename fails", "rename", "error=EIO", 503],
      ["sync fails", "fsync", "error=EIO:when=1", 503],
      ["the disk is full at the rename", "rename", "error=ENOSPC", 507],
    ])("a bundle whose %s is refused and leaves nothing", async (_, syscalls, fault, status) => {
      const before = await listed(server);
      await whileFailing({ syscalls, fault }, async () => {
        expect(await deployStatus(server)).toBe(status);
        expect(await answer(server)).toBe(color);
      });
      expect(await listed(server)).toBe(before);
      expect(await deployStatus(server)).toBe(201);
      expect(await dataFolderFaults(server.dataDir)).toEqual([]);
    });

    test("a change whose sync failed is not there after kill -9 either", async () => {
      const path = join(server.dataDir, "reactor.db-wal");
      await whileFailing({ syscalls: "fsync,fdatasync", fault: "error=EIO", path }, async () => {
        expect(await setColor(server, "never")).toBe(503);
        expect(await setColor(server, "nor this")).toBe(503);
      });
      // The next change empties the log first, so nothing of the refused ones can come back.
      color = "last";
      expect(await setColor(server, color)).toBe(200);
      server.signal("SIGKILL");
      await server.exited;
      server = await startServer({ dataDir: server.dataDir });
      expect(await answer(server)).toBe(color);
      expect(await dataFolderFaults(server.dataDir)).toEqual([]);
    });
  },
);

const canMount = process.getuid?.() === 0 && Bun.which("mount") !== null;

// Needs the right to mount a small file system: there is no other portable way to a full disk.
test.skipIf(!canMount)(
  "a data folder of 1 MiB that fills up is 507, invocations go on, and room heals it (needs root)",
  async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "reactor-full-"));
    const mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "none", dataDir];
    expect(Bun.spawnSync(mount).exitCode).toBe(0);
    let server: TestServer | undefined;
    try {
      server = await startServer({ dataDir });
      await server.deploy("base", source);
      expect(await setColor(server, "before")).toBe(200);
      expect(await answer(server)).toBe("before");
      const ballast = join(dataDir, "ballast");
      await fill(ballast);
      const statuses = new Set<number>();
      for (let i = 0; i < 5; i++) statuses.add(await setColor(server, "x".repeat(30_000)));
      expect([...statuses]).toEqual([507]);
      expect(await deployStatus(server)).toBe(507);
      expect(await answer(server)).toBe("before");
      await rm(ballast);
      expect(await setColor(server, "after")).toBe(200);
      expect(await answer(server)).toBe("after");
      expect(await dataFolderFaults(dataDir)).toEqual([]);
    } finally {
      await server?.stop({ keepData: true });
      Bun.spawnSync(["umount", "-l", dataDir]);
      await rm(dataDir, { recursive: true, force: true });
    }
  },
);

/** Writes until the disk takes no more. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (;;) await file.write(Buffer.alloc(4096));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  } finally {
    await file.close();
  }
}
