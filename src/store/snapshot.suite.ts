import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "./store.ts";
import type { StoreFixture } from "./store.suite.ts";
import { codeOf } from "./testing/code-of.ts";
import { aDeployment, aFunction, anEnv } from "./testing/store-records.ts";

/** A store on disk under test. */
export interface SnapshotFixture extends StoreFixture {
  /** Opens what `snapshot` wrote to a file. */
  openCopy(file: string): Promise<Store>;
}

/** What the copies of a store on disk must be. */
export function snapshotSuite(name: string, create: () => Promise<SnapshotFixture>): void {
  describe(`${name} as a store that is copied`, () => {
    let fixture: SnapshotFixture;
    let store: Store;
    let folder: string;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
      folder = await mkdtemp(join(tmpdir(), "reactor-snapshot-"));
    });
    afterEach(async () => {
      await fixture.dispose();
      await rm(folder, { recursive: true });
    });

    const insert = (revision: number) =>
      store.write(async (writer) => {
        await writer.insertDeployment(
          aDeployment({ id: `dep_${revision}`, revision, sourceBlob: `source ${revision}` }),
        );
      });

    test("snapshot() copies everything acknowledged, says what is in it, and keeps the file private", async () => {
      await store.write((writer) => writer.insertFunction(aFunction()));
      await insert(1);
      await store.write((writer) =>
        writer.putEnv(anEnv({ secret: true, value: "rs1.key_7.c2VhbGVk" })),
      );
      await store.write((writer) => writer.putPlatformSecret("queue", "rs1.key_8.c2VhbGVk"));
      const file = join(folder, "copy.db");
      const found = await store.snapshot(file);
      expect(found.secretKeyIds).toEqual(["key_7", "key_8"]);
      expect(found.referencedBlobs).toContain("source 1");
      expect(found.formatVersion).toBeGreaterThan(0);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const copy = await fixture.openCopy(file);
      try {
        const kept = await copy.read((reader) => reader.deployment("dep_1"));
        expect(kept?.sourceBlob).toBe("source 1");
      } finally {
        await copy.close();
      }
    });

    test("snapshot() is one state of a store that is written all the while: no gap, nothing acknowledged before it is missing", async () => {
      await store.write((writer) => writer.insertFunction(aFunction()));
      let acknowledged = 0;
      const state = { done: false };
      const writing = (async () => {
        while (!state.done && acknowledged < 5_000) {
          await insert(acknowledged + 1);
          acknowledged += 1;
          // A turn of the event loop: SQLite's own work takes none.
          await readdir(folder);
        }
      })();
      for (let i = 0; i < 3; i++) {
        const before = acknowledged;
        const found = await store.snapshot(join(folder, `${i}.db`));
        const sources = found.referencedBlobs.filter((name) => name.startsWith("source "));
        expect(sources.length).toBeGreaterThanOrEqual(before);
        const expected = Array.from({ length: sources.length }, (_, n) => `source ${n + 1}`);
        expect(new Set(sources)).toEqual(new Set(expected));
      }
      state.done = true;
      await writing;
    });

    test("snapshot() refuses a file that exists and leaves it alone", async () => {
      const file = join(folder, "mine");
      await writeFile(file, "mine");
      expect(await codeOf(store.snapshot(file))).toBe("conflict");
      expect(await readFile(file, "utf8")).toBe("mine");
    });

    test("a snapshot that fails leaves no file, and the store works on", async () => {
      const file = join(folder, "missing", "copy.db");
      expect(await codeOf(store.snapshot(file))).toBe("storage_unavailable");
      expect(await readdir(folder)).toEqual([]);
      await store.write((writer) => writer.insertFunction(aFunction()));
    });

    test("a closed store refuses to be copied", async () => {
      await store.close();
      expect(await codeOf(store.snapshot(join(folder, "late.db")))).toBe("storage_unavailable");
    });
  });
}
