import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, type VirtualClock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import { sha256Hex } from "../base/digest.ts";
import { silentLog } from "../base/log.ts";
import { createSeededRandom } from "../base/random.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import { openDirectoryBlobStore } from "../blobs/directory/open-directory-blob-store.ts";
import { ReactorError } from "../domain/errors.ts";
import { type BlobCollector, createBlobCollector } from "./blob-collector.ts";
import { TestPlane } from "./testing/test-plane.ts";

const graceMs = 60_000;
const noDeployments = (): Promise<number> => Promise.resolve(0);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** The digests that rows name now. */
function named(rows: ReadonlySet<string>, pause?: () => Promise<void>) {
  return async (): Promise<ReadonlySet<string>> => {
    await pause?.();
    const seen = new Set(rows);
    await pause?.();
    return seen;
  };
}

let root: string;
let clock: VirtualClock;
let blobs: BlobStore;
let rows: Set<string>;
let collector: BlobCollector;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reactor-collect-"));
  clock = createVirtualClock();
  blobs = await openDirectoryBlobStore({ path: root, clock });
  rows = new Set();
  collector = createBlobCollector({
    collectDeployments: noDeployments,
    referencedBlobs: named(rows),
    blobs,
    clock,
    log: silentLog,
    graceMs,
  });
});
afterEach(async () => {
  await collector.close();
  await rm(root, { recursive: true });
});

describe("the blob collector", () => {
  test("removes a blob that no row names once it was unused for the grace time, and counts it", async () => {
    const [kept, unused] = [await blobs.put(text("kept")), await blobs.put(text("unused"))];
    rows.add(kept);
    expect(await collector.collect()).toEqual({ deployments: 0, blobs: 0, bytes: 0 });
    await clock.advance(graceMs - 1);
    expect(await collector.collect()).toEqual({ deployments: 0, blobs: 0, bytes: 0 });
    await clock.advance(1);
    expect(await collector.collect()).toEqual({ deployments: 0, blobs: 1, bytes: 6 });
    expect([await blobs.has(kept), await blobs.has(unused)]).toEqual([true, false]);
    expect(collector.collected).toEqual({ deployments: 0, blobs: 1, bytes: 6 });
  });

  test("runs by the clock", async () => {
    const digest = await blobs.put(text("unused"));
    collector.start();
    for (let i = 0; i < 8; i++) {
      await clock.advance(graceMs / 4);
      await collector.collect();
    }
    expect(await blobs.has(digest)).toBe(false);
  });

  test("begins the grace time anew when the same bytes are put again", async () => {
    const digest = await blobs.put(text("again"));
    await collector.collect();
    await clock.advance(graceMs);
    await blobs.put(text("again"));
    expect((await collector.collect()).blobs).toBe(0);
    await clock.advance(graceMs - 1);
    expect((await collector.collect()).blobs).toBe(0);
    expect(await blobs.has(digest)).toBe(true);
  });

  test("a wall clock that jumps a year ahead makes nothing old", async () => {
    let jumpMs = 0;
    const jumping = { ...clock, now: () => clock.now() + jumpMs };
    const own = createBlobCollector({
      collectDeployments: noDeployments,
      referencedBlobs: named(rows),
      blobs,
      clock: jumping,
      log: silentLog,
      graceMs,
    });
    const digest = await blobs.put(text("young"));
    await own.collect();
    jumpMs = 365 * 86_400_000;
    expect((await own.collect()).blobs).toBe(0);
    expect(await blobs.has(digest)).toBe(true);
  });

  test("removes nothing while it is held, and goes on when it is released", async () => {
    const digest = await blobs.put(text("held"));
    await collector.collect();
    await clock.advance(graceMs);
    const release = await collector.hold();
    expect((await collector.collect()).blobs).toBe(0);
    expect(await blobs.has(digest)).toBe(true);
    release();
    release();
    expect((await collector.collect()).blobs).toBe(1);
  });

  test("hold() waits for the removal that is under way and stops the pass after it", async () => {
    for (const content of ["a", "b", "c"]) await blobs.put(text(content));
    await collector.collect();
    await clock.advance(graceMs);
    const entered = createDeferred<void>();
    const go = createDeferred<void>();
    const slow: BlobStore = {
      ...blobs,
      async delete(digest, options) {
        entered.resolve();
        await go.promise;
        return blobs.delete(digest, options);
      },
    };
    const own = createBlobCollector({
      collectDeployments: noDeployments,
      referencedBlobs: named(rows),
      blobs: slow,
      clock,
      log: silentLog,
      graceMs,
    });
    await own.collect();
    await clock.advance(graceMs);
    const pass = own.collect();
    await entered.promise;
    let held = false;
    const holding = own.hold().then(() => (held = true));
    await Promise.resolve();
    expect(held).toBe(false);
    go.resolve();
    await holding;
    expect((await pass).blobs).toBe(1);
    expect((await Array.fromAsync(blobs.list())).length).toBe(2);
  });

  test("goes on with the blobs when the rows of deployments cannot be removed", async () => {
    const failing = createBlobCollector({
      collectDeployments: () => Promise.reject(new ReactorError("storage_full", "full")),
      referencedBlobs: named(rows),
      blobs,
      clock,
      log: silentLog,
      graceMs,
    });
    await blobs.put(text("unused"));
    await failing.collect();
    await clock.advance(graceMs);
    expect(await failing.collect()).toEqual({ deployments: 0, blobs: 1, bytes: 6 });
  });

  test("a store that cannot be read stops the pass and removes nothing", async () => {
    const digest = await blobs.put(text("unused"));
    await collector.collect();
    await clock.advance(graceMs);
    const down = createBlobCollector({
      collectDeployments: noDeployments,
      referencedBlobs: named(rows, () =>
        Promise.reject(new ReactorError("storage_unavailable", "down")),
      ),
      blobs,
      clock,
      log: silentLog,
      graceMs,
    });
    expect(await down.collect().catch((error: ReactorError) => error.code)).toBe(
      "storage_unavailable",
    );
    expect(await blobs.has(digest)).toBe(true);
  });
});

describe("a deploy of the same bytes at the moment of collection", () => {
  /** Yields `turns` times to whatever else wants to run, real I/O included. */
  async function yieldTurns(turns: number): Promise<void> {
    for (let i = 0; i < turns; i++) await readdir(root);
  }

  test("300 seeded interleavings of put, row and four passes lose no blob that a row names", async () => {
    let removed = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = createSeededRandom(seed);
      const pause = (): Promise<void> => yieldTurns(random.uint32() % 6);
      const own = createBlobCollector({
        collectDeployments: noDeployments,
        referencedBlobs: named(rows, pause),
        blobs,
        clock,
        log: silentLog,
        graceMs,
      });
      const content = text(`bundle ${seed % 7}`);
      await blobs.put(content);
      await own.collect();
      await clock.advance(graceMs);
      const deploy = async (): Promise<string> => {
        await pause();
        const putDone = own.beginPut();
        const digest = await blobs.put(content);
        // Long enough, for some seeds, that whole passes come and go before the row.
        await yieldTurns(random.uint32() % 60);
        rows.add(digest);
        putDone();
        return digest;
      };
      const collect = async (): Promise<void> => {
        for (let pass = 0; pass < 4; pass++) {
          await pause();
          removed += (await own.collect()).blobs;
          // The whole grace time between two passes: only the deploy's own mark can save its blob.
          await clock.advance(graceMs);
        }
      };
      const [digest] = await Promise.all([deploy(), collect()]);
      expect({ seed, there: await blobs.has(digest) }).toEqual({ seed, there: true });
      rows.clear();
    }
    expect(removed).toBeGreaterThan(50);
  });

  test("deploys of one bundle through the control plane, with a collector that never rests, all keep their code", async () => {
    // No grace time at all: only the deploys' own marks keep their blobs.
    await using test = await TestPlane.open({ settings: { blobGraceMs: 0 } });
    const { collector: hungry } = test.plane;
    await test.create("hello");
    const state = { done: false };
    const collecting = (async () => {
      for (let pass = 0; !state.done && pass < 100_000; pass++) await hungry.collect();
    })();
    const kept: string[] = [];
    for (let i = 0; i < 30; i++) {
      await test.blobs.put(text(`stray ${i}`));
      const deployed = await test.deploy("hello", { "index.ts": `export default ${i % 3}` });
      expect(deployed.status).toBe("ready");
      kept.push(deployed.sourceBlob, deployed.artifactBlob ?? "");
    }
    state.done = true;
    await collecting;
    for (const digest of kept) expect(await test.blobs.has(digest)).toBe(true);
    expect(hungry.collected.blobs).toBeGreaterThan(20);
  });
});

describe("what a stop of the server leaves", () => {
  test("a blob whose deploy died before its row is collected by the next run after its grace time", async () => {
    const digest = await blobs.put(text("no row was ever written"));
    await collector.close();
    const again = await openDirectoryBlobStore({ path: root, clock });
    const next = createBlobCollector({
      collectDeployments: noDeployments,
      referencedBlobs: named(rows),
      blobs: again,
      clock,
      log: silentLog,
      graceMs,
    });
    await next.collect();
    await clock.advance(graceMs);
    expect((await next.collect()).blobs).toBe(1);
    expect(await again.has(digest)).toBe(false);
  });

  test("a blob that comes back after its removal, as after a power cut, is collected again", async () => {
    const content = text("back");
    await blobs.put(content);
    await collector.collect();
    await clock.advance(graceMs);
    expect((await collector.collect()).blobs).toBe(1);
    const digest = await blobs.put(content);
    expect(digest).toBe(sha256Hex("back"));
    expect((await collector.collect()).blobs).toBe(0);
    await clock.advance(graceMs);
    expect((await collector.collect()).blobs).toBe(1);
  });
});
