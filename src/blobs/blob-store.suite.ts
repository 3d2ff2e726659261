import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { sha256Hex } from "../base/digest.ts";
import { ReactorError } from "../domain/errors.ts";
import type { BlobStore } from "./blob-store.ts";
import { rejectionOf } from "./testing/rejection.ts";

/** One blob store under test, and how to reach what is below it. */
export interface BlobStoreFixture {
  readonly store: BlobStore;
  /** The wall clock the store was given, which the suite moves. */
  advanceMs(ms: number): void;
  nowMs(): number;
  /** Opens the same blobs again, as after a restart. */
  reopen(): Promise<BlobStore>;
  /** Flips one bit of a stored blob behind the store's back. */
  damage(digest: string): Promise<void>;
  dispose(): Promise<void>;
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const absent = "0".repeat(64);

async function listed(store: BlobStore): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for await (const { digest, storedAtMs } of store.list()) found.set(digest, storedAtMs);
  return found;
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof ReactorError ? error.code : `not a ReactorError: ${String(error)}`;
}

/** What every blob store must do. */
export function blobStoreSuite(name: string, create: () => Promise<BlobStoreFixture>): void {
  describe(`${name} as a blob store`, () => {
    let fixture: BlobStoreFixture;
    let store: BlobStore;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
    });
    afterEach(() => fixture.dispose());

    test("put() returns the SHA-256 of the bytes and get() returns the bytes", async () => {
      const digest = await store.put(text("hello"));
      expect(digest).toBe(sha256Hex("hello"));
      expect(await store.get(digest)).toEqual(Buffer.from("hello"));
      expect(await store.has(digest)).toBe(true);
    });

    test("an empty blob and one of 3 MiB come back as they were", async () => {
      const large = Buffer.alloc(3 * 2 ** 20, "reactor");
      const [none, big] = [await store.put(new Uint8Array()), await store.put(large)];
      expect((await store.get(none))?.byteLength).toBe(0);
      expect(sha256Hex((await store.get(big)) ?? "")).toBe(sha256Hex(large));
    });

    test("an unknown digest is undefined to get(), false to has() and nothing to delete()", async () => {
      expect(await store.get(absent)).toBeUndefined();
      expect(await store.has(absent)).toBe(false);
      await store.delete(absent);
    });

    test("a blob is there after the store is opened again", async () => {
      const digest = await store.put(text("kept"));
      const again = await fixture.reopen();
      expect(await again.get(digest)).toEqual(Buffer.from("kept"));
    });

    test("putting the same bytes at once and again gives one blob", async () => {
      const digests = await Promise.all(Array.from({ length: 20 }, () => store.put(text("same"))));
      digests.push(await store.put(text("same")));
      expect(new Set(digests).size).toBe(1);
      expect((await listed(store)).size).toBe(1);
    });

    test("delete() removes one blob and leaves the others", async () => {
      const [one, two] = [await store.put(text("one")), await store.put(text("two"))];
      await store.delete(one);
      expect(await store.has(one)).toBe(false);
      expect([...(await listed(store)).keys()]).toEqual([two]);
    });

    test("a blob's age counts from the last time it was put", async () => {
      const digest = await store.put(text("aging"));
      expect((await listed(store)).get(digest)).toBe(fixture.nowMs());
      fixture.advanceMs(60_000);
      await store.put(text("aging"));
      expect((await listed(store)).get(digest)).toBe(fixture.nowMs());
    });

    test("a blob's age rises with every put, also when the clock stands still", async () => {
      const ages: (number | undefined)[] = [];
      for (let i = 0; i < 3; i++) {
        const digest = await store.put(text("same millisecond"));
        ages.push((await listed(store)).get(digest));
      }
      expect(ages).toEqual([fixture.nowMs(), fixture.nowMs() + 1, fixture.nowMs() + 2]);
    });

    test("delete() of a blob as it was listed spares one that was put since, and says so", async () => {
      const digest = await store.put(text("wanted again"));
      const unlessPutSinceMs = (await listed(store)).get(digest) ?? 0;
      await store.put(text("wanted again"));
      expect(await store.delete(digest, { unlessPutSinceMs })).toBe(false);
      expect(await store.has(digest)).toBe(true);
      expect(await store.delete(digest)).toBe(true);
      expect(await store.delete(digest)).toBe(false);
    });

    test("a put and a delete of one blob at once leave what the put acknowledged", async () => {
      const content = text("contended");
      for (let round = 0; round < 50; round++) {
        const digest = await store.put(content);
        const unlessPutSinceMs = (await listed(store)).get(digest) ?? 0;
        await Promise.all([
          round % 2 === 0 ? store.put(content) : undefined,
          store.delete(digest, { unlessPutSinceMs }),
          store.put(content),
        ]);
        expect({ round, there: await store.has(digest) }).toEqual({ round, there: true });
      }
    });

    test("read() gives the bytes in pieces and their count, and undefined for an unknown digest", async () => {
      const large = Buffer.alloc(3 * 2 ** 20, "reactor");
      const reading = await store.read(await store.put(large));
      expect(reading?.bytes).toBe(large.length);
      const pieces = await Array.fromAsync(reading?.pieces ?? []);
      expect(pieces.length).toBeGreaterThan(1);
      expect(Buffer.concat(pieces).equals(large)).toBe(true);
      expect(await store.read(absent)).toBeUndefined();
    });

    test("read() of a damaged blob ends with bundle_invalid", async () => {
      const digest = await store.put(text("precious"));
      await fixture.damage(digest);
      const reading = await store.read(digest);
      expect(await codeOf(Array.fromAsync(reading?.pieces ?? []))).toBe("bundle_invalid");
    });

    test("list() says how many bytes each blob has", async () => {
      await store.put(text("four"));
      expect((await Array.fromAsync(store.list())).map((blob) => blob.bytes)).toEqual([4]);
    });

    test("a flipped bit is bundle_invalid and names the digest", async () => {
      const digest = await store.put(text("precious"));
      await fixture.damage(digest);
      expect(await codeOf(store.get(digest))).toBe("bundle_invalid");
      expect(String(await rejectionOf(store.get(digest)))).toContain(digest);
    });

    test("putting the right bytes again repairs a damaged blob", async () => {
      const digest = await store.put(text("precious"));
      await fixture.damage(digest);
      expect(await store.put(text("precious"))).toBe(digest);
      expect(await store.get(digest)).toEqual(Buffer.from("precious"));
    });

    test.each(["", "../../etc/passwd", "A".repeat(64), `${"0".repeat(63)}/`, "0".repeat(65)])(
      "a malformed digest %p is refused by every method",
      async (digest) => {
        const calls = [
          () => store.get(digest),
          () => store.has(digest),
          () => store.delete(digest),
        ];
        for (const call of calls) {
          expect(await codeOf(call())).toBe("invalid_request");
        }
      },
    );
  });
}
