import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { systemClock } from "../../base/clock.ts";
import type { Artifact, DriverSnapshots, Instance } from "../driver.ts";
import { CaseContext, type SpecOverrides } from "../suite/case-context.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { rejectionOf } from "../testing/rejection.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { type MicrovmRuntime, openTestMicrovms, type TestMicrovms } from "./test-driver.harness.ts";

const deadlineMs = 240_000;
const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const { signal } = new AbortController();

/** Every store of random values that a runtime keeps is in use when the snapshot is made. */
const javascript = `
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
const read = (path) => readFileSync(path, "utf8").trim();
const { random } = Math;
const draw = () => ({
  taken: [random(), random()].join(), math: [Math.random(), Math.random()].join(),
  integer: [randomInt(2 ** 47), randomInt(2 ** 47)].join(), bytes: randomBytes(16).toString("hex"),
  uuid: [randomUUID(), randomUUID()].join(), webUuid: [crypto.randomUUID(), crypto.randomUUID()].join(),
  values: crypto.getRandomValues(new Uint8Array(16)).join(),
  kernelUuid: read("/proc/sys/kernel/random/uuid"), hostname: hostname(),
  machineId: read("/etc/machine-id"), bootId: read("/proc/sys/kernel/random/boot_id"),
});
let sum = 0;
for (let i = 0; i < 3_000_000; i++) sum = (sum * 31 + i) | 0;
const imported = { ...draw(), sum, atMs: Date.now() };
console.log("imported once");
let served = 0;
export default { fetch: (_, ctx) => Response.json({
  imported, unlike: { ...draw(), requestId: ctx.requestId }, served: ++served, env: process.env.GREETING ?? null,
  nowMs: Date.now(), originNowMs: performance.timeOrigin + performance.now(),
}) };`;

const python = `
import os, random, secrets, socket, ssl, time, uuid

def read(path):
    with open(path) as file:
        return file.read().strip()

taken = random.random

def draw():
    return {
        "taken": str([taken(), taken()]), "random": str([random.random(), random.random()]),
        "integer": random.SystemRandom().randrange(2**62), "bytes": os.urandom(16).hex(),
        "uuid": str(uuid.uuid4()), "token": secrets.token_hex(16), "openssl": ssl.RAND_bytes(16).hex(),
        "kernelUuid": read("/proc/sys/kernel/random/uuid"), "hostname": socket.gethostname(),
        "machineId": read("/etc/machine-id"), "bootId": read("/proc/sys/kernel/random/boot_id"),
    }

total = sum(i * 31 for i in range(300_000))
imported = {**draw(), "sum": total, "atMs": time.time() * 1000}
print("imported once")
served = 0

def handler(event, context):
    global served
    served += 1
    return {
        "imported": imported, "unlike": {**draw(), "requestId": context.request_id}, "served": served,
        "env": os.environ.get("GREETING"), "nowMs": time.time() * 1000, "originNowMs": time.time() * 1000,
    }
`;

interface Seen {
  readonly imported: Readonly<Record<string, unknown>> & { readonly atMs: number };
  readonly unlike: Readonly<Record<string, unknown>>;
  readonly served: number;
  readonly env: string | null;
  readonly nowMs: number;
  readonly originNowMs: number;
}

/** A driver and deployments whose instances begin from snapshots. */
class Snapshots extends CaseContext {
  readonly snapshots: DriverSnapshots;
  readonly #runtime: MicrovmRuntime;

  constructor(runtime: MicrovmRuntime, microvms: TestMicrovms) {
    super({ harness: microvms.harness(), clock: systemClock, deadlineMs, runtime });
    this.#runtime = runtime;
    const { snapshots } = this.driver;
    if (snapshots === undefined) throw new Error("the driver has no snapshots");
    this.snapshots = snapshots;
  }

  of(deploymentId: string): SpecOverrides {
    const isPython = this.#runtime === "python";
    const entrypoint = isPython ? "index.py" : "index.js";
    const manifest = { ...suiteManifest({ runtime: this.#runtime }), entrypoint, snapshot: true };
    return { manifest, deploymentId, shape: isPython ? "event" : "fetch" };
  }

  async prepared(deploymentId: string, source: string): Promise<Artifact> {
    const { manifest } = this.spec(this.of(deploymentId));
    const files = new Map([[manifest.entrypoint ?? "", Buffer.from(source)]]);
    return this.driver.prepare({ deploymentId, manifest, files }, signal);
  }

  async made(deploymentId: string, source: string): Promise<Artifact> {
    const artifact = await this.prepared(deploymentId, source);
    const spec = this.spec(this.of(deploymentId));
    await this.within(this.snapshots.make(artifact, spec, signal), "the snapshot");
    return artifact;
  }

  begun(artifact: Artifact, overrides: SpecOverrides = {}): Promise<Instance> {
    return this.startArtifact(artifact, { ...this.of(artifact.deploymentId), ...overrides });
  }

  async seen(instance: Instance): Promise<Seen> {
    return (await this.ok(instance)).json() as Seen;
  }

  count(text: string): number {
    return this.logs.filter(({ message }) => message.includes(text)).length;
  }
}

/** Overwrites a page in the middle that is not empty. */
function damage(path: string): void {
  const file = openSync(path, "r+");
  const page = Buffer.alloc(4096);
  for (let at = Math.floor(statSync(path).size / 8192) * 4096; at > 0; at -= 4096) {
    readSync(file, page, 0, page.length, at);
    if (page.some((byte) => byte !== 0)) {
      writeSync(file, page.fill(7), 0, page.length, at);
      break;
    }
  }
  closeSync(file);
}

for (const runtime of ["bun", "node", "python"] as const) {
  describe.if(microvmMissing === undefined)(
    `a snapshot of a ${runtime} deployment${because}`,
    () => {
      const microvms = openTestMicrovms(runtime, { ownTemplates: true });
      const context = new Snapshots(runtime, microvms);
      const deploymentId = `dep_${runtime}`;
      afterAll(async () => {
        await context.harness.close();
      });

      test(
        "gives instances that were imported once, share what that left, and nothing that is drawn later",
        async () => {
          const source = runtime === "python" ? python : javascript;
          const artifact = await context.made(deploymentId, source);
          const madeMs = systemClock.now();
          expect(context.count("imported once")).toBe(1);
          const instances = await Promise.all([context.begun(artifact), context.begun(artifact)]);
          const [one, other] = await Promise.all(instances.map((each) => context.seen(each)));
          if (one === undefined || other === undefined) throw new Error("two were started");
          expect(context.count("imported once")).toBe(1);
          expect(context.count("without its snapshot")).toBe(0);
          expect(other.imported).toEqual(one.imported);
          expect(Math.abs(one.imported.atMs - madeMs)).toBeLessThan(deadlineMs);
          const drawn = [one.imported, one.unlike, other.unlike];
          const same = Object.keys(one.unlike).filter(
            (name) => new Set(drawn.map((each) => each[name])).size < drawn.length,
          );
          expect(same).toEqual([]);
          expect([one.served, other.served]).toEqual([1, 1]);
          for (const seen of [one, other]) {
            for (const atMs of [seen.nowMs, seen.originNowMs]) {
              expect(Math.abs(atMs - systemClock.now())).toBeLessThan(30_000);
            }
          }
          await Promise.all(instances.map((each) => each.stop({ graceMs: 0 })));
        },
        deadlineMs,
      );
    },
  );
}

describe.if(microvmMissing === undefined)(`snapshots of deployments${because}`, () => {
  const microvms = openTestMicrovms("bun", { ownTemplates: true });
  const context = new Snapshots("bun", microvms);
  const upstream = createServer(() => {});
  afterAll(async () => {
    await context.harness.close();
    upstream.close();
  });
  const filesOf = (deploymentId: string): readonly string[] =>
    microvms
      .templateFiles()
      .filter((path) => path.endsWith("template.json"))
      .filter((path) => readFileSync(path, "utf8").includes(`"${deploymentId}"`))
      .map((path) => path.replace(/template\.json$/, "ram"));

  test(
    "hold the code of one deployment and no variable; a function that has one begins without, and says so",
    async () => {
      const canary = (what: string): string => `canary-${what}-${crypto.randomUUID()}`;
      const [code, env, secret, other] = ["code", "env", "secret", "other"].map(canary);
      const artifact = await context.made("dep_one", `${javascript}\nglobalThis.kept = "${code}";`);
      await context.made("dep_other", `${javascript}\nglobalThis.kept = "${other}";`);
      const given = await context.begun(artifact, {
        env: { GREETING: String(env) },
        secrets: { TOKEN: String(secret) },
      });
      expect((await context.seen(given)).env).toBe(String(env));
      expect(context.count("started without its snapshot, which has no GREETING, TOKEN")).toBe(1);
      const plain = await context.begun(artifact);
      expect((await context.seen(plain)).env).toBeNull();
      expect((await context.seen(given)).imported).not.toEqual(
        (await context.seen(plain)).imported,
      );
      await Promise.all([given, plain].map((each) => each.stop({ graceMs: 0 })));
      const [one] = filesOf("dep_one").map((path) => readFileSync(path));
      const holds = (word: string | undefined): boolean =>
        [Buffer.from(String(word)), Buffer.from(String(word), "utf16le")].some((each) =>
          one?.includes(each),
        );
      // Its own code shows that the search finds what is there.
      expect({
        code: holds(code),
        env: holds(env),
        secret: holds(secret),
        other: holds(other),
      }).toEqual({ code: true, env: false, secret: false, other: false });
      const modes = filesOf("dep_one").map(
        (path) => statSync(path.replace(/ram$/, "")).mode & 0o777,
      );
      expect(modes).toEqual([0o700]);
    },
    deadlineMs,
  );

  test(
    "that are damaged are made anew beside the starts, and those of removed deployments are gone",
    async () => {
      const artifact = await context.made("dep_torn", javascript);
      await context.made("dep_kept", javascript);
      const [ram = ""] = filesOf("dep_torn");
      damage(ram);
      const before = context.count("imported once");
      const first = await context.begun(artifact);
      expect((await context.seen(first)).served).toBe(1);
      await context.logged(
        () => context.count("its snapshot is there again") === 1,
        "the new snapshot",
      );
      // The start without it, and the new snapshot.
      expect(context.count("imported once") - before).toBe(2);
      const second = await context.begun(artifact);
      expect((await context.seen(second)).served).toBe(1);
      expect(context.count("imported once") - before).toBe(2);
      await Promise.all([first, second].map((each) => each.stop({ graceMs: 0 })));
      await context.snapshots.keep((deploymentId) => deploymentId !== "dep_torn");
      expect([filesOf("dep_torn").length, filesOf("dep_kept").length]).toEqual([0, 1]);
      await context.snapshots.keep(() => false);
      // The template of the runtime is nobody's.
      expect(microvms.templateFiles().length).toBe(3);
    },
    deadlineMs,
  );

  test(
    "are refused while a connection is open that no copy would have, and leave nothing",
    async () => {
      await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
      const address = upstream.address();
      const port = typeof address === "object" ? address?.port : 0;
      const driver = microvms.create({ egress: { privateAllow: [`127.0.0.1:${port}`] } });
      const source = `import { connect } from "node:net";
const socket = connect(${port}, "127.0.0.1");
await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
export default { fetch: () => new Response("connected") };`;
      const artifact = await context.prepared("dep_open", source);
      const refusal = await rejectionOf(
        driver.snapshots?.make(artifact, context.spec(context.of("dep_open")), signal) ??
          Promise.resolve(),
      );
      expect(refusal).toMatchObject({
        code: "cold_start_failed",
        message: expect.stringContaining("its import left 1 connection open"),
      });
      expect(filesOf("dep_open")).toEqual([]);
      expect(microvms.templateFiles().filter((path) => path.includes("building-"))).toEqual([]);
      await driver.close();
    },
    deadlineMs,
  );
});
