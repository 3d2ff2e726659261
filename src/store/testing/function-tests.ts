import { expect, test } from "bun:test";
import type { Store, StoreWriter } from "../store.ts";
import { allPages } from "./all-pages.ts";
import { codeOf } from "./code-of.ts";
import { aFunction, atMs } from "./store-records.ts";

/** What every store must do with projects and functions. */
export function functionTests(store: () => Store): void {
  functionChangeTests(store);
  test("the default project is there from the start", async () => {
    const projects = await store().read((reader) => reader.projects());
    expect(projects.map(({ id, name }) => ({ id, name }))).toEqual([
      { id: "default", name: "default" },
    ]);
  });

  test("a function is found by id, name and slug within its project", async () => {
    const record = aFunction({ name: "my_fn", slug: "my-fn" });
    await store().write((writer) => writer.insertFunction(record));
    await store().read(async (reader) => {
      expect(await reader.functionById("fn_1")).toStrictEqual(record);
      expect(await reader.functionByName("default", "my_fn")).toStrictEqual(record);
      expect(await reader.functionBySlug("default", "my-fn")).toStrictEqual(record);
      expect(await reader.functionByName("other", "my_fn")).toBeUndefined();
      expect(await reader.functionById("fn_2")).toBeUndefined();
    });
  });

  test("a name or a slug is taken once per project, also by a deleted function", async () => {
    await store().write(async (writer) => {
      await writer.insertProject({ id: "prj_2", name: "shop", createdAtMs: atMs });
      await writer.insertFunction(aFunction({ name: "a_b", slug: "a-b", deletedAtMs: atMs }));
    });
    const insert = (change: Parameters<typeof aFunction>[0]) =>
      store().write((writer) => writer.insertFunction(aFunction({ id: "fn_2", ...change })));
    expect(await codeOf(insert({ name: "a_b", slug: "other" }))).toBe("conflict");
    expect(await codeOf(insert({ name: "a-b", slug: "a-b" }))).toBe("conflict");
    await insert({ projectId: "prj_2", name: "a_b", slug: "a-b" });
  });

  test("a function of an unknown project is a conflict", async () => {
    const insert = store().write((writer) => writer.insertFunction(aFunction({ projectId: "x" })));
    expect(await codeOf(insert)).toBe("conflict");
  });
}

function functionChangeTests(store: () => Store): void {
  test("updateFunction() changes what is named and nothing else", async () => {
    await store().write((writer) => writer.insertFunction(aFunction()));
    const update = (change: Parameters<StoreWriter["updateFunction"]>[1]) =>
      store().write((writer) => writer.updateFunction("fn_1", change));
    const get = () => store().read((reader) => reader.functionById("fn_1"));
    await update({ enabled: false, updatedAtMs: atMs + 1 });
    expect(await get()).toStrictEqual(aFunction({ enabled: false, updatedAtMs: atMs + 1 }));
    await update({ deletedAtMs: atMs + 2, envVersion: 7 });
    expect(await get()).toMatchObject({ enabled: false, deletedAtMs: atMs + 2, envVersion: 7 });
    await update({ deletedAtMs: undefined });
    expect((await get())?.deletedAtMs).toBeUndefined();
    await update({});
    expect((await get())?.envVersion).toBe(7);
  });

  test("updating a function that does not exist is function_not_found", async () => {
    const update = store().write((writer) => writer.updateFunction("fn_9", { enabled: true }));
    expect(await codeOf(update)).toBe("function_not_found");
  });

  test("lists hold live functions by name, page by page, and end", async () => {
    await store().write(async (writer) => {
      for (const name of ["e", "a", "d", "b", "c"]) {
        await writer.insertFunction(aFunction({ id: `fn_${name}`, name, slug: name }));
      }
      await writer.updateFunction("fn_c", { deletedAtMs: atMs });
    });
    const pages = await allPages((cursor) =>
      store().read((reader) => reader.listFunctions("default", { limit: 2, cursor })),
    );
    expect(pages.map((page) => page.map((item) => item.name).join(""))).toEqual(["ab", "de"]);
    const every = await allPages((cursor) =>
      store().read((reader) => reader.listEveryFunction("default", { limit: 2, cursor })),
    );
    expect(every.map((page) => page.map((item) => item.name).join(""))).toEqual(["ab", "cd", "e"]);
    const all = await store().read((reader) => reader.allFunctions());
    expect(all.map((item) => item.name).join("")).toBe("abde");
  });

  test.each([0, -1, 1.5, Number.NaN, 1e9])("a page of %p rows is refused", async (limit) => {
    const list = store().read((reader) =>
      reader.listFunctions("default", { limit, cursor: undefined }),
    );
    expect(await codeOf(list)).toBe("invalid_request");
  });

  test("names with quotes, SQL and non-ASCII letters are plain text", async () => {
    const name = `x'; drop table functions; -- "ü🦊"`;
    await store().write((writer) => writer.insertFunction(aFunction({ name })));
    const found = await store().read((reader) => reader.functionByName("default", name));
    expect(found?.name).toBe(name);
  });
}
