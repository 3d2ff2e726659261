import { expect, test } from "bun:test";
import { endOfTurn } from "../base/end-of-turn.ts";
import { readTar } from "../archive/read-tar.ts";
import { createUnpackMeter, defaultBundleLimits } from "../archive/bundle-limits.ts";
import { bundleDigest } from "../domain/bundle-digest.ts";
import { ReactorError } from "../domain/errors.ts";
import { refusal } from "./testing/refusal.ts";
import { filesUpload, keyCaller, ready, ref, TestPlane } from "./testing/test-plane.ts";

const code = "export default { fetch: () => new Response('hello') }";

test("a deploy materializes the files, keeps them as a tar, and leaves production alone", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const deployment = await plane.deploy("hello", { "code/index.ts": code, "lib/a.ts": "1" });
  expect(deployment).toMatchObject({ status: "ready", revision: 1, shape: "fetch" });
  expect(deployment.id).toMatch(/^dep_[0-9a-z]{26}$/);
  expect(deployment.manifest.entrypoint).toBe("code/index.ts");
  const files = new Map([
    ["code/index.ts", Buffer.from(code)],
    ["lib/a.ts", Buffer.from("1")],
  ]);
  expect(deployment.bundleSha256).toBe(bundleDigest(files));
  const stored = (await plane.blobs.get(deployment.sourceBlob)) ?? new Uint8Array();
  const meter = createUnpackMeter(stored.length, defaultBundleLimits);
  const unpacked = await readTar(stored, meter, { gzipped: false });
  expect(Buffer.from(unpacked.get("code/index.ts") ?? "").toString()).toBe(code);
  const plan = plane.plan.functions.get("default:hello");
  expect(plan?.deployments.get(1)?.deploymentId).toBe(deployment.id);
  expect(plan?.aliases.size).toBe(0);
});

test("a build that fails while the source is stored is a failed deployment with its log", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  plane.prepare = () =>
    Promise.reject(new ReactorError("bundle_invalid", "syntax", { details: { log: "a.ts:1:1" } }));
  const failed = await plane.deploy("hello", { "index.ts": "(" }, { promote: true });
  expect(failed).toMatchObject({ status: "failed", artifactBlob: undefined });
  expect(failed.failure).toEqual({ code: "bundle_invalid", message: "syntax", log: "a.ts:1:1" });
  expect(await plane.blobs.has(failed.sourceBlob)).toBe(true);
  expect(plane.materialized).toEqual([]);
});

test("a deploy that is refused ends only when its build has ended", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  let built = false;
  plane.prepare = async () => {
    for (let turn = 0; turn < 200; turn++) await new Promise<void>((resolve) => endOfTurn(resolve));
    built = true;
    throw new Error("nobody asks any more");
  };
  const full = new ReactorError("storage_full", "the disk is full");
  Object.assign(plane.blobs, { put: () => Promise.reject(full) });
  expect((await refusal(plane.deploy("hello", { "index.ts": code }))).code).toBe("storage_full");
  expect(built).toBe(true);
});

test("a deploy that fails is kept with its masked log and never disturbs production", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.run("env.set", {
    ...ref("hello"),
    key: "TOKEN",
    value: "s3cret-value-1",
    secret: true,
  });
  await plane.deploy("hello", { "index.ts": code }, { promote: true });
  const before = plane.plan.functions.get("default:hello");
  plane.materialize = (request) =>
    Promise.reject(
      new ReactorError("cold_start_failed", `it threw ${request.env.secrets["TOKEN"]}`, {
        details: { log: `boot\nTOKEN is ${request.env.secrets["TOKEN"]}\n` },
      }),
    );
  const failed = await plane.deploy("hello", { "index.ts": "broken" }, { promote: true });
  expect(failed).toMatchObject({ status: "failed", revision: 2, shape: undefined });
  expect(failed.failure?.code).toBe("cold_start_failed");
  expect(failed.failure?.log).toContain("TOKEN is");
  expect(JSON.stringify(failed)).not.toContain("s3cret-value-1");
  const kept = await plane.run("deployments.get", { ...ref("hello"), deployment: failed.id });
  expect(kept.failure).toEqual(failed.failure);
  const after = plane.plan.functions.get("default:hello");
  expect(after?.aliases).toEqual(before?.aliases ?? new Map());
  expect([...(after?.deployments.keys() ?? [])]).toEqual([1]);
  expect(plane.journal.lines.map((line) => line.message).join()).toContain("revision 2 failed");
});

test("an unexpected error of the materializer is an internal_error without its text", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  plane.materialize = () => Promise.reject(new Error("secret path /root/x"));
  const failed = await plane.deploy("hello");
  expect(failed.failure?.code).toBe("internal_error");
  expect(failed.failure?.message).not.toContain("/root/x");
});

test("two deploys at once of one function run one after the other and get both numbers", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  let running = 0;
  let most = 0;
  plane.materialize = async (request, signal) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    return ready(request, signal);
  };
  const both = await Promise.all([
    plane.deploy("hello", { "index.ts": "1" }, { promote: true }),
    plane.deploy("hello", { "index.ts": "2" }, { promote: true }),
  ]);
  expect(new Set(both.map((deployment) => deployment.revision))).toEqual(new Set([1, 2]));
  expect(most).toBe(1);
  const view = await plane.run("functions.get", ref("hello"));
  expect(view.production?.revision).toBe(2);
});

test("deploys of two functions run at the same time", async () => {
  await using plane = await TestPlane.open();
  await plane.create("one");
  await plane.create("two");
  const gate = Promise.withResolvers<void>();
  let running = 0;
  plane.materialize = async (request, signal) => {
    running += 1;
    if (running === 2) gate.resolve();
    await gate.promise;
    return ready(request, signal);
  };
  const both = await Promise.all([plane.deploy("one"), plane.deploy("two")]);
  expect(both.map(({ status }) => status)).toEqual(["ready", "ready"]);
});

test("deploys beyond the waiting bound are refused at once", async () => {
  await using plane = await TestPlane.open({ settings: { deploysWaitingMax: 1 } });
  await plane.create("hello");
  const started = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  plane.materialize = async (request, signal) => {
    started.resolve();
    await gate.promise;
    return ready(request, signal);
  };
  const first = plane.deploy("hello");
  await started.promise;
  const outcomes = [plane.deploy("hello"), plane.deploy("hello")].map((deploy) =>
    deploy.then(
      () => "ready",
      (error: unknown) => (error instanceof ReactorError ? error.code : "other"),
    ),
  );
  gate.resolve();
  expect((await Promise.all(outcomes)).sort()).toEqual(["ready", "too_many_requests"]);
  expect((await first).status).toBe("ready");
});

test("delete during a deploy ends it as failed, and restore serves the former code again", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  await plane.deploy("hello", { "index.ts": "1" }, { promote: true });
  const started = Promise.withResolvers<void>();
  plane.materialize = (_request, signal) => {
    started.resolve();
    return new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
    });
  };
  const deploying = plane.deploy("hello", { "index.ts": "2" }, { promote: true });
  await started.promise;
  await plane.run("functions.delete", ref("hello"));
  const failed = await deploying;
  expect(failed.status).toBe("failed");
  expect(failed.failure?.message).toContain("was deleted meanwhile");
  expect(plane.plan.functions.has("default:hello")).toBe(false);
  const restored = await plane.run("functions.restore", ref("hello"));
  expect(restored.production?.revision).toBe(1);
  expect(plane.plan.functions.get("default:hello")?.aliases.get("production")).toHaveLength(1);
});

test("a materializer that never answers is stopped by the bound", async () => {
  await using plane = await TestPlane.open({ settings: { materializeMsMax: 1 } });
  await plane.create("hello");
  plane.materialize = () => new Promise(() => undefined);
  const failed = await plane.deploy("hello");
  expect(failed.failure?.code).toBe("cold_start_failed");
  expect(failed.failure?.message).toContain("longer than 1 ms");
});

test("what the machine cannot give is refused before anything is stored", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  plane.check = () => {
    throw new ReactorError("unsupported_runtime", "Cannot deploy: no such runtime here");
  };
  expect((await refusal(plane.deploy("hello"))).code).toBe("unsupported_runtime");
  const page = await plane.run("deployments.list", {
    ...ref("hello"),
    limit: 10,
    cursor: undefined,
  });
  expect(page.items).toEqual([]);
});

test("a wrong digest is refused, of the client and of the manifest; the right one passes", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const files = { "index.ts": code };
  const digest = bundleDigest(new Map([["index.ts", Buffer.from(code)]]));
  const wrong = digest.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
  const byClient = await refusal(plane.deploy("hello", files, { bundleSha256: wrong }));
  expect(byClient.code).toBe("bundle_invalid");
  expect(byClient.message).toContain(digest);
  const manifest = (sha: string) => ({
    ...files,
    "reactor.json": JSON.stringify({ bundle_sha256: sha }),
  });
  expect((await refusal(plane.deploy("hello", manifest(wrong)))).code).toBe("bundle_invalid");
  const deployment = await plane.deploy("hello", manifest(digest), { bundleSha256: digest });
  expect(deployment).toMatchObject({ status: "ready", revision: 1, bundleSha256: digest });
});

test("empty, manifest-only and oversized bundles are refused", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  expect((await refusal(plane.deploy("hello", {}))).code).toBe("bundle_invalid");
  expect((await refusal(plane.deploy("hello", { "reactor.json": "{}" }))).code).toBe(
    "bundle_invalid",
  );
  const large = { kind: "archive" as const, bytes: new Uint8Array(51 * 1_048_576) };
  const refused = await refusal(plane.deploy("hello", {}, { upload: large }));
  expect(refused.code).toBe("bundle_too_large");
  expect(refused.status).toBe(413);
});

test("a manifest of another name, runtime or isolation is refused with its pointer", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const withManifest = (manifest: object, file = "reactor.json") =>
    refusal(plane.deploy("hello", { "index.ts": code, [file]: JSON.stringify(manifest) }));
  expect((await withManifest({ name: "other" })).details).toMatchObject({ pointer: "/name" });
  expect((await withManifest({ runtime: "node" })).details).toMatchObject({ pointer: "/runtime" });
  // Though the bundle has no file that wasm could run.
  expect((await withManifest({ runtime: "wasm" })).details).toMatchObject({ pointer: "/runtime" });
  expect((await withManifest({ isolation: "microvm" })).details).toMatchObject({
    pointer: "/isolation",
  });
  const flux = await withManifest({ name: "hello" }, "flux.json");
  expect(flux.message).toContain('runtime is "deno"');
});

test("declared keys must be set, each as its own kind, before the deploy", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const files = {
    "index.ts": code,
    "reactor.json": JSON.stringify({ env_keys: ["PUBLIC"], secret_keys: ["SECRET"] }),
  };
  const missing = await refusal(plane.deploy("hello", files));
  expect(missing.code).toBe("env_key_invalid");
  expect(missing.message).toContain("reactor functions env set hello SECRET --secret");
  await plane.run("env.set", { ...ref("hello"), key: "PUBLIC", value: "a", secret: true });
  await plane.run("env.set", { ...ref("hello"), key: "SECRET", value: "b", secret: false });
  const swapped = await refusal(plane.deploy("hello", files));
  expect(swapped.message).toContain("list it in secret_keys");
  await plane.run("env.set", { ...ref("hello"), key: "PUBLIC", value: "a", secret: false });
  await plane.run("env.set", { ...ref("hello"), key: "SECRET", value: "b", secret: true });
  expect((await plane.deploy("hello", files)).status).toBe("ready");
});

test("what sets a declared key works also before the function is there", async () => {
  await using plane = await TestPlane.open();
  const manifest = { env_keys: ["PUBLIC"], secret_keys: ["SECRET"] };
  const files = { "index.ts": code, "reactor.json": JSON.stringify(manifest) };
  const upload = filesUpload(files);
  const input = { ...ref("fresh"), upload, bundleSha256: undefined, promote: false };
  const create = () => plane.run("deployments.create", { ...input, createFunction: true });
  const { message } = await refusal(create());
  expect(message).toContain('"SECRET" is not set (reactor secrets set SECRET)');
  expect(message).toContain(
    '"PUBLIC" is not set (reactor functions create fresh --runtime bun, then reactor functions env set fresh PUBLIC VALUE)',
  );
});

test("a deploy may create the function when asked, with the scope for it", async () => {
  await using plane = await TestPlane.open();
  const unknown = await refusal(plane.deploy("fresh"));
  expect(unknown.code).toBe("function_not_found");
  const input = {
    ...ref("fresh"),
    upload: filesUpload({ "index.ts": code }),
    bundleSha256: undefined,
    promote: true,
    createFunction: true,
  };
  const deployer = keyCaller(["functions:fresh:deploy"]);
  expect((await refusal(plane.run("deployments.create", input, deployer))).details).toEqual({
    scope: "functions:create",
  });
  const creator = keyCaller(["functions:fresh:deploy", "functions:create"]);
  const deployment = await plane.run("deployments.create", input, creator);
  expect(deployment.status).toBe("ready");
  expect(plane.plan.functions.get("default:fresh")?.aliases.has("production")).toBe(true);
  await plane.run("functions.delete", ref("fresh"));
  const deleted = await refusal(plane.run("deployments.create", input));
  expect(deleted.code).toBe("function_exists");
  expect(deleted.message).toContain("reactor functions restore fresh");
});

test("deployments list newest first, page by cursor and reject a made-up cursor", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  for (const text of ["1", "2", "3"]) await plane.deploy("hello", { "index.ts": text });
  const first = await plane.run("deployments.list", {
    ...ref("hello"),
    limit: 2,
    cursor: undefined,
  });
  expect(first.items.map(({ revision }) => revision)).toEqual([3, 2]);
  const rest = await plane.run("deployments.list", {
    ...ref("hello"),
    limit: 2,
    cursor: first.nextCursor,
  });
  expect(rest.items.map(({ revision }) => revision)).toEqual([1]);
  expect(rest.nextCursor).toBeUndefined();
  const forged = { ...ref("hello"), limit: 2, cursor: "1 or 1=1" };
  expect((await refusal(plane.run("deployments.list", forged))).code).toBe("invalid_request");
  const byRevision = await plane.run("deployments.get", { ...ref("hello"), deployment: "2" });
  expect(byRevision.id).toBe(first.items[1]?.id ?? "");
  const none = refusal(plane.run("deployments.get", { ...ref("hello"), deployment: "9" }));
  expect((await none).code).toBe("deployment_not_found");
});

test("after a stop in the middle of a deploy the deployment is failed with the reason", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const good = await plane.deploy("hello", { "index.ts": "1" }, { promote: true });
  // What a kill leaves: rows in the two unfinished states and nobody at work.
  for (const status of ["pending", "materializing"] as const) {
    await plane.store.write(async (writer) => {
      const revision = await writer.nextRevision(good.functionId);
      await writer.insertDeployment({ ...good, id: `dep_${status}`, revision, status });
    });
  }
  await plane.stop();
  await plane.start();
  for (const status of ["pending", "materializing"]) {
    const found = await plane.run("deployments.get", {
      ...ref("hello"),
      deployment: `dep_${status}`,
    });
    expect(found.status).toBe("failed");
    expect(found.failure?.message).toContain(
      `The server stopped while the deployment was ${status}`,
    );
  }
  const plan = plane.plan.functions.get("default:hello");
  expect([...(plan?.deployments.keys() ?? [])]).toEqual([1]);
  expect(plan?.aliases.get("production")?.[0]?.deploymentId).toBe(good.id);
});

test("closing the plane fails a running deploy and refuses new commands", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const started = Promise.withResolvers<void>();
  plane.materialize = () => {
    started.resolve();
    return new Promise(() => undefined);
  };
  const deploying = plane.deploy("hello");
  await started.promise;
  await plane.plane.close();
  expect((await deploying).failure?.message).toContain("the server is stopping");
  expect((await refusal(plane.create("late"))).code).toBe("storage_unavailable");
});

test("delete ends a deploy that still waits for its turn as well", async () => {
  await using plane = await TestPlane.open();
  await plane.create("hello");
  const started = Promise.withResolvers<void>();
  plane.materialize = () => {
    started.resolve();
    return new Promise(() => undefined);
  };
  const running = plane.deploy("hello");
  await started.promise;
  const waiting = refusal(plane.deploy("hello"));
  // The waiting one is in the queue once a read that started after it has been answered.
  await plane.run("functions.get", ref("hello"));
  await plane.run("functions.delete", ref("hello"));
  expect((await running).status).toBe("failed");
  expect(["conflict", "function_not_found"]).toContain((await waiting).code);
  expect(plane.materialized).toHaveLength(1);
});
