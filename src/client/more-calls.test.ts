import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { type AdminServer, startAdminServer } from "../admin/testing/admin-server.ts";
import {
  adminKey,
  createRecordingControl,
  type RecordingControl,
} from "../admin/testing/recording-control.ts";
import { createClient, type ReactorClient } from "./client.ts";

let control: RecordingControl;
let server: AdminServer;
let client: ReactorClient;
beforeAll(async () => {
  control = createRecordingControl();
  server = await startAdminServer(control);
  client = createClient({ url: server.url, key: adminKey });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  control.calls.length = 0;
});

const ref = { project: "default", function: "hello" };
const when = new Date("2026-12-01T00:00:00Z");

/** Each call, the command it must become, and a part of what it must resolve with. */
const calls: readonly [string, () => Promise<unknown>, string, unknown, object][] = [
  ["listPolicies", () => client.listPolicies("hello"), "policies.list", ref, [{ name: "office" }]],
  [
    "getFunctionRuntime",
    () => client.getFunctionRuntime("hello"),
    "functions.get",
    ref,
    { state: "idle", instances: [] },
  ],
  [
    "getFunctionUsage",
    () => client.getFunctionUsage("hello", { since: when, until: when, step: "hour" }),
    "usage.ofFunction",
    { ...ref, sinceMs: when.getTime(), untilMs: when.getTime(), step: "hour" },
    { function: "hello", total: { invocations: 2, vcpu_ms: 0.3 }, records_dropped: 3 },
  ],
  [
    "listUsage",
    () => client.listUsage({ since: when, limit: 7 }),
    "usage.list",
    { project: "default", sinceMs: when.getTime(), untilMs: undefined, limit: 7 },
    { items: [{ function: "hello", deleted: true }], next_cursor: "hello" },
  ],
  ["rotateDataKey", () => client.rotateDataKey(), "secrets.rotateKey", {}, { key_id: "new" }],
  [
    "promoteAll",
    () => client.promoteAll([{ function: "hello", deploymentId: "dep_1" }]),
    "functions.promoteAll",
    { project: "default", promotions: [{ function: "hello", deployment: "dep_1" }] },
    [{ id: "dep_1" }],
  ],
  [
    "listProjectEnv",
    () => client.listProjectEnv(),
    "env.list",
    { project: "default", function: undefined },
    [{ key: "B", value: "plain" }],
  ],
  [
    "setProjectEnv",
    () => client.setProjectEnv({ key: "A", value: "v", secret: true }),
    "env.set",
    { project: "default", function: undefined, key: "A", value: "v", secret: true },
    { key: "A", value: null },
  ],
  [
    "unsetProjectEnv",
    () => client.unsetProjectEnv("A"),
    "env.unset",
    { project: "default", function: undefined, key: "A" },
    { key: "A" },
  ],
  ["listProjects", () => client.listProjects(), "projects.list", {}, [{ name: "default" }]],
  [
    "createProject",
    () => client.createProject("shop"),
    "projects.create",
    { name: "shop" },
    { name: "shop" },
  ],
  [
    "deleteProject",
    () => client.deleteProject("shop"),
    "projects.delete",
    { name: "shop", force: false },
    { name: "shop", functions: 2 },
  ],
  [
    "deleteProject with force",
    () => client.deleteProject("shop", { force: true }),
    "projects.delete",
    { name: "shop", force: true },
    { functions: 2 },
  ],
  [
    "createPolicy",
    () => client.createPolicy("hello", "post", { kind: "method", methods: ["POST"] }),
    "policies.create",
    { ...ref, name: "post", rule: { kind: "method", methods: ["POST"] } },
    { name: "office" },
  ],
  [
    "getPolicy",
    () => client.getPolicy("hello", "office"),
    "policies.get",
    { ...ref, policy: "office" },
    { id: "pol_1" },
  ],
  [
    "deletePolicy",
    () => client.deletePolicy("hello", "office"),
    "policies.delete",
    { ...ref, policy: "office" },
    { name: "office" },
  ],
  [
    "testPolicies",
    () => client.testPolicies("hello", { policy: "office", at: when, alias: "7" }),
    "policies.test",
    {
      ...ref,
      policy: "office",
      trial: {
        method: "GET",
        target: "/",
        host: "localhost",
        scheme: "http",
        ip: "127.0.0.1",
        headers: [],
        caller: { kind: "anonymous", id: "", name: "", claims: {} },
        selector: "7",
        atMs: when.getTime(),
      },
    },
    { admitted: false },
  ],
];

describe.each(calls)("%s()", (_name, call, command, input, output) => {
  test("becomes its command and resolves with the resource", async () => {
    expect(await call()).toMatchObject(output);
    expect(control.calls).toMatchObject([{ name: command, input }]);
  });
});
