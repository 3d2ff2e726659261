import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PlatformEvent } from "../../sdk/index.ts";
import { createClient } from "../../src/client/client.ts";
import { startServer, type TestServer, until } from "./reactor.ts";

/** Functions that hear of what happens on a real server, and tell a sink outside of it. */
interface Heard {
  readonly by: string;
  readonly attempt: number;
  readonly event: PlatformEvent;
}

let server: TestServer;
let sink: ReturnType<typeof Bun.serve>;
const heard: Heard[] = [];
/** What the sink's answers wait for. */
let held = Promise.resolve();

const options = () => ({ env: { REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${sink.port}` } });

beforeAll(async () => {
  sink = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      heard.push((await request.json()) as Heard);
      await held;
      return new Response();
    },
  });
  server = await startServer({
    ...options(),
    dataDir: await mkdtemp(join(tmpdir(), "reactor-e2e-")),
  });
});
afterAll(async () => {
  await server.stop();
  await sink.stop(true);
});

const listener = (by: string): string => `export async function handler(event, ctx) {
  const body = JSON.stringify({ by: ${JSON.stringify(by)}, attempt: ctx.attempt, event });
  await fetch("http://127.0.0.1:${sink.port}/", { method: "POST", body });
}`;
const allEvents = ["deployment.ready", "deployment.failed", "invocation.dead"];

/** What was told of a function's events, in order. */
function toldOf(name: string): readonly Heard[] {
  return heard.filter(({ event }) => event.data.function === name);
}

async function untilTold(name: string, types: readonly string[]): Promise<readonly Heard[]> {
  await until(`${name}: ${types.join(", ")}`, () => toldOf(name).length >= types.length);
  expect(toldOf(name).map(({ event }): string => event.type)).toEqual([...types]);
  return toldOf(name);
}

test("a function that its manifest binds hears of deployments and dead letters of its project", async () => {
  await server.deploy("hears", listener("hears"), { events: allEvents });
  // One of another project hears nothing of this one.
  await server.client.createProject("shop");
  const shop = createClient({ url: server.url, key: server.key, project: "shop" });
  const files = (name: string, source: string, manifest: object = {}) =>
    new Map([
      ["index.ts", Buffer.from(source)],
      ["reactor.json", Buffer.from(JSON.stringify({ name, access: "public", ...manifest }))],
    ]);
  const all = { events: allEvents };
  await shop.deploy("elsewhere", {
    files: files("elsewhere", listener("elsewhere"), all),
    promote: true,
    createFunction: true,
  });
  const once = { retry: { max_attempts: 1 } };
  await server.deploy("dies", 'export default () => { throw new Error("no"); }', once);
  const broken = await server.client.deploy("dies", {
    files: files("dies", 'throw new Error("broken");'),
    promote: false,
  });
  expect(broken.status).toBe("failed");
  const accepted = await server.fetch("/fn/v1/dies", {
    method: "POST",
    headers: { prefer: "respond-async" },
  });
  const { id } = (await accepted.json()) as { id: string };
  const [first, failed, dead] = await untilTold("dies", allEvents);
  expect(first?.event).toMatchObject({
    specversion: "1.0",
    source: "/projects/default/functions/dies",
    data: { project: "default", revision: 1, promoted: true, error: null },
  });
  expect(failed?.event.data).toMatchObject({
    deployment_id: broken.id,
    revision: 2,
    promoted: false,
    error: { code: expect.any(String), message: expect.stringContaining("broken") },
  });
  // The types of the SDK say what is there.
  if (dead?.event.type !== "invocation.dead") throw new Error("it is no dead letter");
  const { time, data } = dead.event;
  expect(Date.parse(time)).toBeGreaterThanOrEqual(Date.parse(data.accepted_at));
  expect(data).toMatchObject({
    invocation_id: id,
    request_id: expect.any(String),
    function_id: expect.stringContaining("fn_"),
    origin: "request",
    revision: 1,
    attempt: 1,
    status: null,
    error: { code: "function_error" },
  });
  await shop.deploy("there", {
    files: files("there", "export default () => new Response()"),
    promote: true,
    createFunction: true,
  });
  await untilTold("there", ["deployment.ready"]);
  const pairs = heard.map(({ by, event }) => [by, event.data.project].join());
  expect(new Set(pairs)).toEqual(new Set(["hears,default", "elsewhere,shop"]));
});

test("what a function is bound to is shown where it is", async () => {
  expect(await server.client.getFunction("hears")).toMatchObject({ events: allEvents, hooks: [] });
  const { stdout } = await server.cli("functions", "get", "hears");
  expect(stdout).toMatch(/events +deployment\.ready, deployment\.failed, invocation\.dead/);
  const runs = await server.cli("invocations", "list", "--state", "succeeded", "--json");
  expect(runs.stdout).toContain('"origin": "event"');
});

test("events that do not exist are refused at deploy, by their pointer and with those that do", async () => {
  const wrong: readonly (readonly [unknown, string])[] = [
    [["deployment.reddy"], "/events/0"],
    [["deployment.ready", "deploymentXready"], "/events/1"],
    [["invocation.dead", "invocation.dead"], "/events/1"],
    ["invocation.dead", "/events"],
    [[1], "/events/0"],
    [{}, "/events"],
  ];
  for (const [events, pointer] of wrong) {
    const failure = await server.deploy("wrong", "export default () => 1;", { events }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "manifest_invalid", details: { pointer } });
  }
  const misspelt = { events: ["deployment.reddy"] };
  const said = await server
    .deploy("wrong", "export default () => 1;", misspelt)
    .then(() => "deployed", String);
  expect(said).toContain("must be any of deployment.ready, deployment.failed, invocation.dead");
});

test("a server that is killed between a change and its event loses neither", async () => {
  const release = Promise.withResolvers<void>();
  held = release.promise;
  // The event of this one is on its way, for the first time, when the server is killed.
  await server.deploy("told", "export default () => new Response()");
  const [before] = await untilTold("told", ["deployment.ready"]);
  // This one never gets ready: the kill is what ends it.
  const hangs = server.deploy("hangs", "await new Promise(() => {}); export default 1;").then(
    () => "ended",
    () => "cut off",
  );
  await until("it is being made", async () => {
    const items = await server.client.listDeployments("hangs").then(
      (page) => page.items,
      () => [],
    );
    return items.some(({ status }) => status === "materializing");
  });
  server.signal("SIGKILL");
  await server.exited;
  expect(await hangs).toBe("cut off");
  held = Promise.resolve();
  release.resolve();
  const { dataDir } = server;
  server = await startServer({ ...options(), dataDir });
  const [interrupted] = await untilTold("hangs", ["deployment.failed"]);
  expect(interrupted?.event.data.error).toMatchObject({ code: "deployment_failed" });
  await until("the one that was on its way comes again", () => toldOf("told").length === 2);
  const again = toldOf("told")[1];
  expect(again).toMatchObject({ attempt: 2, event: before?.event });
});
