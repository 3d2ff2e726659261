import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { systemClock } from "../../base/clock.ts";
import type { Instance } from "../driver.ts";
import { CaseContext, type SpecOverrides } from "../suite/case-context.ts";
import { heldBytes } from "../suite/memory.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { microvmMissing } from "./images/test-images.harness.ts";
import { type MicrovmRuntime, openTestMicrovms, type TestMicrovms } from "./test-driver.harness.ts";

const deadlineMs = 120_000;
const bodyBytes = 16 * 1024 * 1024;
const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;

const javascript = `
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
const read = (path) => readFileSync(path, "utf8").trim();
const imported = [Math.random(), crypto.randomUUID()].join();
export default { fetch: () => Response.json({
  unlike: {
    imported, math: [Math.random(), Math.random()].join(), integer: randomInt(2 ** 47),
    bytes: randomBytes(16).toString("hex"), uuid: randomUUID(), webUuid: crypto.randomUUID(),
    values: crypto.getRandomValues(new Uint8Array(16)).join(), kernelUuid: read("/proc/sys/kernel/random/uuid"),
    hostname: hostname(), machineId: read("/etc/machine-id"), bootId: read("/proc/sys/kernel/random/boot_id"),
  },
  nowMs: Date.now(), originNowMs: performance.timeOrigin + performance.now(),
}) };`;

const python = `
import json, os, random, secrets, socket, ssl, time, uuid

imported = [random.random(), uuid.uuid4().hex]

def read(path):
    with open(path) as file:
        return file.read().strip()

def handler(event):
    return {
        "unlike": {
            "imported": str(imported), "random": str([random.random(), random.random()]),
            "integer": random.SystemRandom().randrange(2**62), "bytes": os.urandom(16).hex(),
            "uuid": str(uuid.uuid4()), "node": str(uuid.uuid1()), "token": secrets.token_hex(16),
            "openssl": ssl.RAND_bytes(16).hex(), "kernelUuid": read("/proc/sys/kernel/random/uuid"),
            "hostname": socket.gethostname(), "machineId": read("/etc/machine-id"),
            "bootId": read("/proc/sys/kernel/random/boot_id"),
        },
        "nowMs": time.time() * 1000, "originNowMs": time.time() * 1000,
    }
`;

/** The shortest step of the clock, and the ticks of a second in which nothing is done. */
const javascriptClock = `
import { readFileSync } from "node:fs";
const ticks = () => Number(/LOC:\\s+(\\d+)/.exec(readFileSync("/proc/interrupts", "utf8"))[1]);
export default { async fetch() {
  let stepMs = Infinity;
  const startMs = performance.now();
  for (let lastMs = startMs; lastMs < startMs + 50; ) {
    const nowMs = performance.now();
    if (nowMs > lastMs) stepMs = Math.min(stepMs, nowMs - lastMs);
    lastMs = nowMs;
  }
  await new Promise((done) => setTimeout(done, 500));
  const before = ticks();
  await new Promise((done) => setTimeout(done, 1000));
  return Response.json({ stepMs, ticks: ticks() - before });
} };`;

const pythonClock = `
import re, time

def ticks():
    with open("/proc/interrupts") as file:
        return int(re.search(r"LOC:\\s+(\\d+)", file.read())[1])

def handler(event):
    step = 1.0
    start = last = time.monotonic()
    while last < start + 0.05:
        now = time.monotonic()
        if now > last:
            step = min(step, now - last)
        last = now
    time.sleep(0.5)
    before = ticks()
    time.sleep(1)
    return {"stepMs": step * 1000, "ticks": ticks() - before}
`;

interface Clocked {
  readonly stepMs: number;
  readonly ticks: number;
}

interface Seen {
  readonly unlike: Readonly<Record<string, string | number>>;
  readonly nowMs: number;
  readonly originNowMs: number;
}

/** A driver and what its tests need to start functions and to call them. */
class Clones extends CaseContext {
  readonly #runtime: MicrovmRuntime;

  constructor(runtime: MicrovmRuntime, microvms: TestMicrovms) {
    const harness = microvms.harness();
    super({ harness, clock: systemClock, deadlineMs, runtime });
    this.#runtime = runtime;
  }

  async function(source: string, overrides: SpecOverrides = {}): Promise<Instance> {
    const runtime = this.#runtime;
    const entrypoint = runtime === "python" ? "index.py" : "index.js";
    const manifest = { ...suiteManifest({ runtime }), entrypoint };
    const files = new Map([[entrypoint, Buffer.from(source)]]);
    const request = { deploymentId: "dep_suite", manifest, files };
    const artifact = await this.driver.prepare(request, new AbortController().signal);
    return this.startArtifact(artifact, { manifest, ...overrides });
  }
}

for (const runtime of ["bun", "node", "python"] as const) {
  describe.if(microvmMissing === undefined)(`clones of one ${runtime} template${because}`, () => {
    const clones = new Clones(runtime, openTestMicrovms(runtime));
    afterAll(() => clones.harness.close());

    test(
      "count time finely, and are woken by few ticks while they have nothing to do",
      async () => {
        const instance = await clones.function(
          runtime === "python" ? pythonClock : javascriptClock,
        );
        const { stepMs, ticks } = (await clones.ok(instance)).json() as Clocked;
        // A machine that took its counter for useless counts time by its ticks, 4 ms each, and needs all of them.
        expect(stepMs).toBeLessThan(1);
        expect(ticks).toBeLessThan(200);
      },
      deadlineMs,
    );

    test(
      "share no randomness, name, machine id or boot id, and know the time",
      async () => {
        const source = runtime === "python" ? python : javascript;
        const instances = await Promise.all([clones.function(source), clones.function(source)]);
        expect(instances.map(({ tier }) => tier)).toEqual([3, 3]);
        const [one, other] = await Promise.all(
          instances.map(async (instance) => (await clones.ok(instance)).json() as Seen),
        );
        const same = Object.entries(one?.unlike ?? {}).filter(
          ([name, value]) => other?.unlike[name] === value,
        );
        expect(same).toEqual([]);
        for (const seen of [one, other]) {
          for (const atMs of [seen?.nowMs, seen?.originNowMs]) {
            expect(Math.abs(Number(atMs) - systemClock.now())).toBeLessThan(30_000);
          }
        }
      },
      deadlineMs,
    );
  });
}

/** /flood writes 16 MB raw, /loop never returns, /fill takes all memory, /echo streams what it gets. */
const hostile = `
import { writeSync } from "node:fs";
const line = Buffer.from("flood " + "x".repeat(1018) + "\\n");
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case "/flood": for (let i = 0; i < 16_000; i++) writeSync(1 + i % 2, line); return new Response("flooded");
    case "/loop": for (;;) {}
    case "/fill": for (const kept = []; ; ) kept.push(new Uint8Array(4 * 1024 * 1024).fill(1));
    case "/echo": return new Response(request.body);
  }
  return new Response("alive");
} };`;

const machine = `
import { availableParallelism, totalmem } from "node:os";
export default { fetch: () => Response.json({ processors: availableParallelism(), mb: totalmem() / 2 ** 20 }) };`;

describe.if(microvmMissing === undefined)(`a microVM${because}`, () => {
  const clones = new Clones("bun", openTestMicrovms("bun"));
  afterAll(() => clones.harness.close());

  test(
    "that floods, spins or fills its memory hurts only itself",
    async () => {
      const [culprit, neighbour] = await Promise.all([
        clones.function(hostile),
        clones.function(hostile),
      ]);
      const alive = async (): Promise<void> => {
        expect((await clones.ok(neighbour)).text()).toBe("alive");
      };
      const flood = clones.call(culprit, { path: "/flood" });
      while (!flood.isDone) await alive();
      expect((await clones.done(flood)).text()).toBe("flooded");
      const isDropped = ({ source, message }: { source: string; message: string }): boolean =>
        source === "platform" && message.includes("dropped");
      const floods = clones.logs.filter(({ message }) => message.startsWith("flood ")).length;
      expect(floods + clones.logs.filter(isDropped).length).toBeGreaterThan(0);
      const filling = clones.call(culprit, { path: "/fill" });
      expect(await clones.within(culprit.exit, "its end")).toEqual({
        reason: "memory",
        limitMb: 256,
        peakMb: 256,
      });
      expect((await clones.done(filling)).failure?.kind).toBe("exited");
      await alive();
      const spinning = await clones.function(hostile);
      const loop = clones.call(spinning, { path: "/loop" });
      expect(await spinning.responds(300)).toBe(false);
      await alive();
      await spinning.stop({ graceMs: 0 });
      await clones.done(loop);
      await alive();
    },
    deadlineMs,
  );

  test(
    "carries a body of 16 MiB both ways, and the host keeps nothing of it",
    async () => {
      const instance = await clones.function(hostile);
      const piece = Buffer.alloc(64 * 1024, "y");
      const before = heldBytes();
      const echo = clones.call(instance, { path: "/echo", complete: false, keep: false });
      let peak = 0;
      for (let sent = 0; sent < bodyBytes; sent += piece.length) {
        const { drains } = echo;
        if (!echo.stream.write(piece)) await echo.until(() => echo.drains > drains);
        if (sent % (1024 * 1024) === 0) peak = Math.max(peak, heldBytes());
      }
      echo.stream.end();
      await clones.done(echo);
      expect(echo.bytes).toBe(bodyBytes);
      expect(peak - before).toBeLessThan(bodyBytes / 2);
      await instance.stop({ graceMs: 0 });
    },
    deadlineMs,
  );

  test(
    "has the processors and the memory that were asked for, and no more",
    async () => {
      const instance = await clones.function(machine, {
        manifest: { ...suiteManifest({ runtime: "bun", vcpu: 2 }), entrypoint: "index.js" },
      });
      const seen = (await clones.ok(instance)).json() as { processors: number; mb: number };
      expect(seen.processors).toBe(2);
      expect(seen.mb).toBeLessThanOrEqual(256);
      expect(seen.mb).toBeGreaterThan(190);
      await instance.stop({ graceMs: 0 });
    },
    deadlineMs,
  );
});

describe.if(microvmMissing === undefined)(`a template${because}`, () => {
  const microvms = openTestMicrovms("bun");
  const clones = new Clones("bun", microvms);
  afterAll(() => clones.harness.close());

  test(
    "holds nothing of the functions that ran in its clones",
    async () => {
      const canary = (what: string): string => `canary-${what}-${crypto.randomUUID()}`;
      const [code, env, secret, body] = [
        canary("code"),
        canary("env"),
        canary("secret"),
        canary("body"),
      ];
      const instance = await clones.function(
        `export default { fetch: async (request) =>
  new Response(await request.text() + "${code}" + process.env.GREETING + process.env.TOKEN) };`,
        { env: { GREETING: env }, secrets: { TOKEN: secret } },
      );
      const answer = await clones.ok(instance, { body });
      expect(answer.text()).toBe(body + code + env + secret);
      await instance.stop({ graceMs: 0 });
      const files = microvms.templateFiles().map((path) => readFileSync(path));
      // What every template does hold shows that the search finds what is there.
      expect(files.some((bytes) => bytes.includes("reactor.wire"))).toBe(true);
      for (const word of [code, env, secret, body]) {
        const spellings = [Buffer.from(word), Buffer.from(word, "utf16le")];
        expect(files.some((bytes) => spellings.some((each) => bytes.includes(each)))).toBe(false);
      }
    },
    deadlineMs,
  );
});
