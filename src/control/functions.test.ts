import { expect, test } from "bun:test";
import { anonymousCaller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const all = { project: "default", limit: 100, cursor: undefined };

test("a created function is in the plan, in lists and gettable by name and id", async () => {
  await using plane = await TestPlane.open();
  const created = await plane.create("my_fn--x");
  expect(created).toMatchObject({
    slug: "my-fn-x",
    runtime: "bun",
    isolation: "process",
    enabled: true,
  });
  expect(created).toMatchObject({ project: "default", production: undefined, shape: undefined });
  expect(created.id).toMatch(/^fn_[0-9a-z]{26}$/);
  expect(plane.plan.functions.get("default:my_fn--x")?.functionId).toBe(created.id);
  expect(plane.plan.slugs.get("default:my-fn-x")?.name).toBe("my_fn--x");
  expect(await plane.run("functions.get", ref(created.id))).toEqual(created);
  expect((await plane.run("functions.list", all)).items).toEqual([created]);
});

test("hostile and reserved names are refused at create and unknown elsewhere", async () => {
  await using plane = await TestPlane.open();
  const names = [
    "",
    "A",
    "_admin",
    "1a",
    "..",
    "a/b",
    "a\0",
    "%5fadmin",
    "a b",
    "a".repeat(64),
    "health",
    "metrics",
    "ä",
    "a\n",
    "__proto__",
    "hello@1",
    "p:a",
  ];
  for (const name of names) {
    expect((await refusal(plane.create(name))).code).toBe("invalid_function_name");
    expect((await refusal(plane.run("functions.get", ref(name)))).code).toBe("function_not_found");
  }
  expect(plane.plan.functions.size).toBe(0);
});

test("a taken name and a taken host label are 409 and name the way out", async () => {
  await using plane = await TestPlane.open();
  await plane.create("my_fn");
  const name = await refusal(plane.create("my_fn"));
  expect(name).toMatchObject({ code: "function_exists", status: 409 });
  expect(name.message).toContain("reactor functions deploy my_fn");
  const slug = await refusal(plane.create("my-fn"));
  expect(slug.message).toContain('host label "my-fn" belongs to function "my_fn"');
});

test("a runtime at an isolation that does not exist is refused at create", async () => {
  await using plane = await TestPlane.open();
  const input = { project: "default", name: "a", runtime: "wasm", isolation: "microvm" } as const;
  expect((await refusal(plane.run("functions.create", input))).code).toBe("unsupported_runtime");
  const deno = await plane.run("functions.create", {
    ...input,
    runtime: "deno",
    isolation: "worker",
  });
  expect(deno.isolation).toBe("worker");
});

test("two creates of one name at once make one function", async () => {
  await using plane = await TestPlane.open();
  const outcomes = await Promise.allSettled([plane.create("hello"), plane.create("hello")]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect((await plane.run("functions.list", all)).items).toHaveLength(1);
});

test("an unknown function is 404 with the nearest name the caller may know of", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.create("helto");
  const open = await refusal(plane.run("functions.get", ref("helo")));
  expect(open.message).toContain('did you mean "hello"?');
  const caller = keyCaller(["functions:helo:admin", "functions:helto:admin"]);
  const confined = await refusal(plane.run("functions.get", ref("helo"), caller));
  expect(confined.message).toContain('did you mean "helto"?');
  const blind = await refusal(
    plane.run("functions.get", ref("helo"), keyCaller(["functions:helo:admin"])),
  );
  expect(blind.message).not.toContain("did you mean");
});

test("disable and enable reach the plan before they return", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  expect((await plane.run("functions.update", { ...ref("hello"), enabled: false })).enabled).toBe(
    false,
  );
  expect(plane.plan.functions.get("default:hello")?.enabled).toBe(false);
  await plane.run("functions.update", { ...ref("hello"), enabled: true });
  expect(plane.plan.functions.get("default:hello")?.enabled).toBe(true);
});

test("a deleted function is gone everywhere, its name stays reserved, and restore brings it back", async () => {
  await using plane = await TestPlane.open();
  const created = await plane.create("my_fn");
  await plane.run("env.set", { ...ref("my_fn"), key: "A", value: "1", secret: false });
  expect(await plane.run("functions.delete", ref("my_fn"))).toEqual({
    id: created.id,
    name: "my_fn",
  });
  expect(plane.plan.functions.size + plane.plan.slugs.size).toBe(0);
  expect((await plane.run("functions.list", all)).items).toEqual([]);
  for (const refused of [refusal(plane.create("my_fn")), refusal(plane.create("my-fn"))]) {
    expect((await refused).message).toContain("reactor functions restore my_fn");
  }
  const gone = await refusal(plane.run("functions.get", ref("my_fn")));
  expect(gone.message).toContain("reactor functions restore my_fn");
  expect((await refusal(plane.run("functions.delete", ref("my_fn")))).code).toBe(
    "function_not_found",
  );
  const restored = await plane.run("functions.restore", ref(created.id));
  expect(restored.deletedAtMs).toBeUndefined();
  expect(plane.plan.functions.get("default:my_fn")?.env.env).toEqual({ A: "1" });
  expect((await refusal(plane.run("functions.restore", ref("my_fn")))).code).toBe("conflict");
});

test("lists page by name and refuse forged cursors and senseless limits", async () => {
  await using plane = await TestPlane.open();
  for (const name of ["c", "a", "b"]) await plane.create(name);
  const first = await plane.run("functions.list", { ...all, limit: 2 });
  expect(first.items.map(({ name }) => name)).toEqual(["a", "b"]);
  const rest = await plane.run("functions.list", { ...all, cursor: first.nextCursor });
  expect(rest.items.map(({ name }) => name)).toEqual(["c"]);
  for (const wrong of [{ cursor: "../x" }, { limit: 0 }, { limit: 1.5 }, { limit: 5000 }]) {
    expect((await refusal(plane.run("functions.list", { ...all, ...wrong }))).code).toBe(
      "invalid_request",
    );
  }
});

test("an unknown project is not_found", async () => {
  await using plane = await TestPlane.open();
  const refused = await refusal(plane.run("functions.create", { project: "nope", name: "a" }));
  expect(refused).toMatchObject({ code: "not_found", status: 404 });
});

test("each command asks for its scope, also when the function is named by id", async () => {
  await using plane = await TestPlane.open();
  const { id } = await plane.create("hello");
  await plane.create("other");
  const invoker = keyCaller(["functions:hello:invoke"]);
  expect((await plane.run("functions.get", ref(id), invoker)).name).toBe("hello");
  const refused = await Promise.all([
    refusal(plane.run("functions.create", { project: "default", name: "x" }, invoker)),
    refusal(plane.run("functions.update", { ...ref(id), enabled: false }, invoker)),
    refusal(plane.run("functions.delete", ref("hello"), invoker)),
    refusal(plane.run("functions.promote", { ...ref(id), deployment: undefined }, invoker)),
    refusal(plane.run("env.list", ref("hello"), invoker)),
    refusal(plane.run("functions.get", ref("other"), invoker)),
    refusal(plane.run("keys.list", { project: "default" }, invoker)),
    refusal(plane.run("audit.list", { limit: 1, cursor: undefined }, invoker)),
  ]);
  expect(refused.map(({ code }) => code)).toEqual(Array(8).fill("permission_denied"));
  expect(refused[1]?.details).toEqual({ scope: "functions:hello:admin" });
  const listed = await plane.run("functions.list", all, invoker);
  expect(listed.items.map(({ name }) => name)).toEqual(["hello"]);
});

test("a caller without a key is told to send one, whether or not the function exists", async () => {
  await using plane = await TestPlane.open();
  const { id } = await plane.create("hello");
  for (const name of ["hello", "nope", id, `fn_${"0".repeat(26)}`]) {
    const refused = await refusal(plane.run("functions.get", ref(name), anonymousCaller));
    expect(refused.code).toBe("auth_required");
  }
});

test("a key of one project cannot touch another, not even with every scope", async () => {
  await using plane = await TestPlane.open();
  await plane.store.write((writer) =>
    writer.insertProject({ id: "p2", name: "team", createdAtMs: 0 }),
  );
  const { id } = await plane.create("hello");
  const team = keyCaller(["*"], "team");
  for (const name of ["hello", id]) {
    const refused = await refusal(plane.run("functions.get", ref(name), team));
    expect(refused.code).toBe("permission_denied");
  }
  const foreign = refusal(plane.run("functions.get", { project: "team", function: id }, team));
  expect((await foreign).code).toBe("function_not_found");
  const own = await plane.run("functions.create", { project: "team", name: "hello" }, team);
  expect(own.project).toBe("team");
  expect(plane.plan.functions.get("team:hello")?.functionId).toBe(own.id);
});

test("changes and refusals leave audit rows; reads and anonymous attempts do not", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.run("functions.list", all);
  await refusal(plane.create("hello"));
  await refusal(plane.run("functions.delete", ref("hello"), keyCaller([])));
  await refusal(plane.run("functions.delete", ref("hello"), anonymousCaller));
  const { items } = await plane.run("audit.list", { limit: 10, cursor: undefined });
  expect(
    items.map(({ actor, command, subject, outcome }) => [actor, command, subject, outcome]),
  ).toEqual([
    ["key_test", "functions.delete", "default:hello", "refused"],
    ["system", "functions.create", "default:hello", "refused"],
    ["system", "functions.create", "default:hello", "ok"],
  ]);
  expect(items[1]?.details).toEqual({ code: "function_exists" });
  const page = await plane.run("audit.list", { limit: 1, cursor: undefined });
  const next = await plane.run("audit.list", { limit: 1, cursor: page.nextCursor });
  expect(next.items).toEqual([items[1] ?? page.items[0]].flatMap((item) => (item ? [item] : [])));
  expect((await refusal(plane.run("audit.list", { limit: 1, cursor: "x" }))).code).toBe(
    "invalid_request",
  );
});

test("a runtime that this server cannot run is refused at create, and nothing is stored", async () => {
  await using plane = await TestPlane.open();
  plane.checkRuntime = (runtime) => {
    if (runtime !== "bun") throw new ReactorError("unsupported_runtime", "not here");
  };
  const wanted = { project: "default", name: "snake", runtime: "python" } as const;
  expect(await refusal(plane.run("functions.create", wanted))).toMatchObject({
    code: "unsupported_runtime",
  });
  expect((await plane.run("functions.list", all)).items).toEqual([]);
});

test("a function shows the tier that its promoted deployment demands", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const files = { "index.ts": "export default {}", "reactor.json": '{"min_tier":1}' };
  await plane.deploy("hello", files);
  expect((await plane.run("functions.get", ref("hello"))).minTier).toBeUndefined();
  await plane.promote("hello");
  expect((await plane.run("functions.get", ref("hello"))).minTier).toBe(1);
  expect((await plane.run("functions.list", all)).items[0]?.minTier).toBe(1);
});
