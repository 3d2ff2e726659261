import { expect, test } from "bun:test";
import type { Manifest } from "../domain/manifest.ts";
import { manifestColumn } from "./json-column.ts";
import { migrations } from "./migrations.ts";
import { aManifest } from "./testing/store-records.ts";

test("a manifest comes back as it was stored, with the tier that it demands", () => {
  const manifest = { ...aManifest(), minTier: 2 as const };
  expect(manifestColumn.decode(manifestColumn.encode(manifest), "it")).toEqual(manifest);
});

test("a manifest that was stored before manifests had min_tier demands no tier", () => {
  const text = manifestColumn.encode(aManifest());
  const older = text.replace('"minTier":null,', "");
  expect(older).not.toBe(text);
  expect(manifestColumn.decode(older, "it")).toEqual(aManifest());
});

test("a stored tier that does not exist is damage", () => {
  const text = manifestColumn.encode(aManifest()).replace('"minTier":null', '"minTier":7');
  expect(() => manifestColumn.decode(text, "it")).toThrow("Cannot read it");
});

test("a member of a newer Reactor's is named, and not called damage", () => {
  const newer = manifestColumn.encode(aManifest()).replace("{", '{"gpu":1,');
  expect(() => manifestColumn.decode(newer, "it")).toThrow(
    'Cannot read it: it has "gpu", which this Reactor does not know; start the newer Reactor',
  );
  const damaged = newer.replace('"name":"hello"', '"name":7');
  expect(() => manifestColumn.decode(damaged, "it")).toThrow("is damaged");
});

const queue: Manifest["queue"] = {
  always: true,
  attemptsMax: 3,
  backoffMsMin: 1,
  backoffMsMax: 2,
  ageMsMax: 3,
  concurrency: 1,
  onSuccess: "a",
  onFailure: "b",
  schedules: [{ cron: "* * * * *", timezone: "UTC", payload: "{}", catchUp: "skip" }],
  events: ["deployment.ready"],
};

/** A manifest with every member there is. */
const fullManifest: Required<Manifest> = {
  ...aManifest(),
  limits: { ...aManifest().limits, vcpu: 1 },
  queue,
  route: { path: "/a", method: "GET" },
  cors: {
    origins: [],
    methods: [],
    headers: [],
    exposeHeaders: [],
    credentials: false,
    maxAgeSecs: 1,
  },
  rateLimit: { requests: 1, periodMs: 1, by: "caller" },
  hooks: { points: [], order: 1 },
};

function membersOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => membersOf(item, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) =>
    membersOf(member, path === "" ? key : `${path}.${key}`),
  );
}

/** What format 7 stores. Another member is another format, also when no statement is needed. */
const membersOfFormat = {
  version: 7,
  members:
    "name runtime isolation minTier snapshot entrypoint handler access forwardAuthorization envKeys secretKeys[] " +
    "limits.timeoutMs limits.idleTimeoutMs limits.streamTimeoutMs limits.drainTimeoutMs limits.waitUntilMs " +
    "limits.memoryMb.value limits.memoryMb.written limits.vcpu limits.bodyInBytesMax limits.bodyOutBytesMax " +
    "concurrency.minInstances concurrency.maxInstances concurrency.perInstance concurrency.maxConcurrency " +
    "concurrency.queueMs concurrency.idleTtlMs queue.always queue.attemptsMax queue.backoffMsMin " +
    "queue.backoffMsMax queue.ageMsMax queue.concurrency queue.onSuccess queue.onFailure " +
    "queue.schedules[].cron queue.schedules[].timezone queue.schedules[].payload queue.schedules[].catchUp queue.events[] " +
    "egressAllow[] route.path route.method cors.credentials cors.maxAgeSecs rateLimit.requests " +
    "rateLimit.periodMs rateLimit.by hooks.order bundleSha256",
};

test("what a stored manifest holds belongs to the data's format: a new member needs a migration", () => {
  const stored: unknown = JSON.parse(manifestColumn.encode(fullManifest));
  expect({ version: migrations.at(-1)?.version, members: membersOf(stored).sort() }).toEqual({
    version: membersOfFormat.version,
    members: membersOfFormat.members.split(" ").sort(),
  });
});
