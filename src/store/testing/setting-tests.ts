import { expect, test } from "bun:test";
import type { Store } from "../store.ts";
import { allPages } from "./all-pages.ts";
import { codeOf } from "./code-of.ts";
import { aFunction, anApiKey, anAudit, anEnv, atMs } from "./store-records.ts";

/** What every store must do with env, API keys and audit rows. */
export function settingTests(store: () => Store): void {
  test("env of a function and of its project are apart, and a put replaces", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.putEnv(anEnv());
      await writer.putEnv(anEnv({ value: "us", version: 2 }));
      await writer.putEnv(anEnv({ key: "API_KEY", secret: true, value: "sealed" }));
      await writer.putEnv(anEnv({ functionId: undefined, value: "project" }));
      await writer.putEnv(anEnv({ functionId: undefined, value: "project 2" }));
    });
    await store().read(async (reader) => {
      const own = await reader.envOf("default", "fn_1");
      expect(own.map((row) => [row.key, row.value, row.version, row.secret])).toEqual([
        ["API_KEY", "sealed", 1, true],
        ["REGION", "us", 2, false],
      ]);
      expect(await reader.envOf("default", undefined)).toStrictEqual([
        anEnv({ functionId: undefined, value: "project 2" }),
      ]);
    });
  });

  test("deleteEnv() says whether there was something to delete", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.putEnv(anEnv());
      await writer.putEnv(anEnv({ functionId: undefined }));
    });
    const remove = (functionId: string | undefined) =>
      store().write((writer) => writer.deleteEnv("default", functionId, "REGION"));
    expect([await remove("fn_1"), await remove("fn_1")]).toEqual([true, false]);
    expect((await store().read((reader) => reader.envOf("default", undefined))).length).toBe(1);
    expect(await remove(undefined)).toBe(true);
  });

  test("secretsWithout() finds secrets of every owner, deleted ones too, and no variables", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction({ deletedAtMs: atMs }));
      await writer.putEnv(anEnv({ key: "A", secret: true, value: "rs1.old.x" }));
      await writer.putEnv(anEnv({ key: "B", secret: true, value: "rs1.new.x" }));
      await writer.putEnv(anEnv({ key: "C", value: "rs1.old.x" }));
      await writer.putEnv(anEnv({ functionId: undefined, secret: true, value: "rs1.n_w.x" }));
    });
    const found = await store().read((reader) => reader.secretsWithout("rs1.new.", 9));
    expect(found.map(({ value }) => value).toSorted()).toEqual(["rs1.n_w.x", "rs1.old.x"]);
    expect(await store().read((reader) => reader.secretsWithout("rs1.new.", 1))).toHaveLength(1);
  });

  test("API keys keep their scopes and are revoked once", async () => {
    await store().write((writer) => writer.insertApiKey(anApiKey({ expiresAtMs: atMs + 9 })));
    const revoke = (id: string) => store().write((writer) => writer.revokeApiKey(id, atMs + 1));
    expect([await revoke("key_1"), await revoke("key_1"), await revoke("key_9")]).toEqual([
      true,
      false,
      false,
    ]);
    const keys = await store().read((reader) => reader.apiKeys());
    expect(keys).toStrictEqual([anApiKey({ expiresAtMs: atMs + 9, revokedAtMs: atMs + 1 })]);
    const twice = store().write((writer) => writer.insertApiKey(anApiKey({ id: "key_2" })));
    expect(await codeOf(twice)).toBe("conflict");
  });

  test("audit rows come newest first, page by page, with their details", async () => {
    await store().write(async (writer) => {
      for (let i = 1; i <= 5; i++) await writer.insertAudit(anAudit({ id: `aud_${i}` }));
    });
    const pages = await allPages((cursor) =>
      store().read((reader) => reader.listAudit({ limit: 2, cursor })),
    );
    expect(pages.map((page) => page.map((row) => row.id))).toEqual([
      ["aud_5", "aud_4"],
      ["aud_3", "aud_2"],
      ["aud_1"],
    ]);
    expect(pages[2]?.[0]).toStrictEqual(anAudit());
  });
}
