import { expect, test } from "bun:test";
import { refusal } from "./testing/refusal.ts";
import { filesUpload, keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

test("a manifest names as destinations only what its deployer may invoke", async () => {
  await using plane = await TestPlane.open();
  await plane.create("source");
  const manifest = { destinations: { on_success: "archive", on_failure: "source" } };
  const files = { "index.ts": "export default {}", "reactor.json": JSON.stringify(manifest) };
  const deploy = (...scopes: readonly string[]) =>
    plane.run(
      "deployments.create",
      { ...ref("source"), upload: filesUpload(files), bundleSha256: undefined, promote: false },
      keyCaller(scopes),
    );
  const refused = await refusal(deploy("functions:source:deploy"));
  expect(refused).toMatchObject({
    code: "permission_denied",
    details: { scope: "functions:archive:invoke" },
  });
  const allowed = await deploy("functions:source:deploy", "functions:archive:invoke");
  expect(allowed.manifest.queue).toMatchObject({ onSuccess: "archive", onFailure: "source" });
});

test("events are bound only by whoever may read the logs of every function", async () => {
  await using plane = await TestPlane.open();
  await plane.create("listener");
  const files = {
    "index.ts": "export default {}",
    "reactor.json": '{"events":["invocation.dead"]}',
  };
  const deploy = (...scopes: readonly string[]) =>
    plane.run(
      "deployments.create",
      { ...ref("listener"), upload: filesUpload(files), bundleSha256: undefined, promote: false },
      keyCaller(scopes),
    );
  for (const short of ["functions:listener:*", "functions:*:deploy"]) {
    expect(await refusal(deploy("functions:listener:deploy", short))).toMatchObject({
      code: "permission_denied",
      details: { scope: "functions:*:logs" },
    });
  }
  const allowed = await deploy("functions:listener:deploy", "functions:*:logs");
  expect(allowed.manifest.queue.events).toEqual(["invocation.dead"]);
});
