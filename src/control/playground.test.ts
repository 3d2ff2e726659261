import { expect, test } from "bun:test";
import { ReactorError } from "../domain/errors.ts";
import type { Draft, DraftOutcome, DraftRunner } from "../serving/draft-runner.ts";
import type { Commands } from "./control-plane.ts";
import { defaultControlSettings } from "./control-settings.ts";
import { refusal } from "./testing/refusal.ts";
import { keyCaller, TestPlane } from "./testing/test-plane.ts";

type Input = Commands["playground.run"]["input"];

const outcome: DraftOutcome = {
  status: 200,
  headers: [],
  body: Buffer.from("done"),
  shape: "fetch",
  prepareMs: 1,
  startMs: 1,
  durationMs: 1,
  usage: { runMs: 1, allotment: { memoryMb: 256, vcpu: 1 } },
  logs: [],
  logsDropped: 0,
  failure: undefined,
};

function input(changes: Partial<Input> & { readonly code?: Record<string, string> } = {}): Input {
  const { code = { "index.ts": "export default {}" }, ...rest } = changes;
  return {
    project: "default",
    runtime: undefined,
    isolation: undefined,
    files: new Map(Object.entries(code).map(([path, text]) => [path, Buffer.from(text)])),
    env: {},
    secrets: {},
    call: { method: "POST", url: "http://x/", headers: [], body: undefined },
    requestId: "req_1",
    signal: new AbortController().signal,
    ...rest,
  };
}

/** Drafts that answer at once, or when the test says so. */
function runner(work?: (draft: Draft, signal: AbortSignal) => Promise<DraftOutcome>) {
  const ran: Draft[] = [];
  const drafts: DraftRunner = {
    run(draft, signal) {
      ran.push(draft);
      return work?.(draft, signal) ?? Promise.resolve(outcome);
    },
  };
  return { drafts, ran };
}

test("a draft leaves one audit row, without its code, its event or its values, and nothing else", async () => {
  const { drafts, ran } = runner();
  await using plane = await TestPlane.open({ drafts });
  const before = plane.plans.length;
  const secrets = { TOKEN: "hidden-value" };
  const done = await plane.run("playground.run", input({ secrets, env: { A: "shown" } }));
  expect(done).toBe(outcome);
  expect(ran[0]).toMatchObject({ requestId: "req_1", env: { A: "shown" }, secrets });
  expect(ran[0]?.id).toMatch(/^drf_/);
  expect(ran[0]?.projectId).toBe("playground-default");
  const { items } = await plane.run("audit.list", { limit: 10, cursor: undefined });
  expect(items.map(({ command }) => command)).toEqual(["playground.run"]);
  expect(items[0]?.details).toMatchObject({ runtime: "bun", isolation: "process", files: 1 });
  expect(JSON.stringify(items)).not.toMatch(/hidden-value|shown|export default/);
  expect(plane.plans.length).toBe(before);
  const blobs = await plane.store.read((reader) => reader.referencedBlobs());
  expect([...blobs]).toEqual([]);
});

test("a draft runs with the manifest's limits, no longer and no larger than a run may be", async () => {
  const { drafts, ran } = runner();
  const settings = { playgroundTimeoutMs: 2000 };
  await using plane = await TestPlane.open({ drafts, settings });
  const limits = (manifest: object) => ({
    "index.ts": "x",
    "reactor.json": JSON.stringify({ limits: manifest }),
  });
  await plane.run("playground.run", input({ code: limits({ timeout_ms: 500 }) }));
  const wide = { timeout_ms: 60_000, idle_timeout_ms: 60_000, max_body_out_mb: 50 };
  await plane.run("playground.run", input({ code: limits(wide) }));
  expect(ran.map(({ manifest }) => manifest.limits.timeoutMs)).toEqual([500, 2000]);
  const capped = ran[1]?.manifest.limits;
  expect(capped).toMatchObject({ idleTimeoutMs: 2000, streamTimeoutMs: 2000 });
  expect(capped?.bodyOutBytesMax).toBe(6 * 1_048_576);
});

test("a runtime that the request names wins over silence and clashes with another in the manifest", async () => {
  const { drafts, ran } = runner();
  await using plane = await TestPlane.open({ drafts });
  const silent = { "index.ts": "x", "flux.json": '{"name":"todo"}' };
  await plane.run("playground.run", input({ code: silent }));
  await plane.run("playground.run", input({ code: silent, runtime: "node" }));
  expect(ran.map(({ manifest }) => manifest.runtime)).toEqual(["deno", "node"]);
  const said = { "index.ts": "x", "reactor.json": '{"runtime":"bun"}' };
  const clash = await refusal(plane.run("playground.run", input({ code: said, runtime: "node" })));
  expect([clash.code, clash.details["pointer"]]).toEqual(["manifest_invalid", "/runtime"]);
});

test("a run needs playground:write in the project", async () => {
  const { drafts, ran } = runner();
  await using plane = await TestPlane.open({ drafts });
  for (const caller of [keyCaller(["functions:*:*"]), keyCaller(["playground:read"])]) {
    const refused = await refusal(plane.run("playground.run", input(), caller));
    expect(refused.code).toBe("permission_denied");
  }
  const other = keyCaller(["playground:write"], "other");
  expect((await refusal(plane.run("playground.run", input(), other))).code).toBe(
    "permission_denied",
  );
  expect(ran).toEqual([]);
  await plane.run("playground.run", input(), keyCaller(["playground:write"]));
  expect(ran.length).toBe(1);
});

test("over the bound a run is refused at once, and a server that stops ends those that run", async () => {
  const stopped: unknown[] = [];
  const { drafts, ran } = runner(
    (_draft, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          stopped.push(signal.reason);
          reject(new ReactorError("storage_unavailable", "stopped", { cause: signal.reason }));
        });
      }),
  );
  const settings = { ...defaultControlSettings, playgroundRunsMax: 1 };
  await using plane = await TestPlane.open({ drafts, settings });
  const running = refusal(plane.run("playground.run", input()));
  while (ran.length === 0) await plane.run("audit.list", { limit: 1, cursor: undefined });
  const busy = await refusal(plane.run("playground.run", input()));
  expect([busy.code, busy.retryAfterSecs]).toEqual(["too_many_requests", 1]);
  await plane.stop();
  expect((await running).code).toBe("storage_unavailable");
  expect(stopped.length).toBe(1);
});
