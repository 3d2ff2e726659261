import { expect, test } from "bun:test";
import { refusal } from "./testing/refusal.ts";
import { ref, TestPlane } from "./testing/test-plane.ts";

test("a deployment with a snapshot is refused while it would receive variables, and may be promoted later", async () => {
  await using plane = await TestPlane.open();
  await plane.run("functions.create", {
    project: "default",
    name: "hello",
    isolation: "microvm",
  });
  const files = (manifest: object): Record<string, string> => ({
    "index.ts": "export default {}",
    "reactor.json": JSON.stringify({ snapshot: true, ...manifest }),
  });
  await plane.run("env.set", { ...ref("hello"), key: "PUBLIC", value: "a", secret: false });
  await plane.run("env.set", { ...ref("hello"), key: "SECRET", value: "b", secret: true });
  const all = await refusal(plane.deploy("hello", files({})));
  expect(all.code).toBe("env_key_invalid");
  expect(all.message).toContain("receives PUBLIC, SECRET");
  const some = await refusal(plane.deploy("hello", files({ env_keys: [] })));
  expect(some.message).toContain("receives SECRET");
  const none = await plane.deploy("hello", files({ env_keys: [], secret_keys: [] }));
  expect([none.status, none.manifest.snapshot]).toEqual(["ready", true]);
  await plane.run("env.unset", { ...ref("hello"), key: "PUBLIC" });
  await plane.run("env.unset", { ...ref("hello"), key: "SECRET" });
  const free = await plane.deploy("hello", files({}));
  await plane.run("env.set", { ...ref("hello"), key: "PUBLIC", value: "a", secret: false });
  await plane.promote("hello", String(free.revision));
});
