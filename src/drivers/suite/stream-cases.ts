import assert from "node:assert/strict";
import type { Instance } from "../driver.ts";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { heldBytes, totalResidentBytes } from "./memory.ts";
import type { Recording } from "./recording.ts";
import { scenario } from "./scenario.ts";

const streamEcho = scenario(
  "stream-echo",
  "export default { fetch: (request) => new Response(request.body) };",
);
/** Counts the request body without keeping it. */
const countBody = scenario(
  "count-body",
  `export default { async fetch(request) {
  let bytes = 0;
  for await (const chunk of request.body) bytes += chunk.length;
  return new Response(String(bytes));
} };`,
);
/** Sends as many bytes as the query asks for, made as they are pulled. */
const makeBody = scenario(
  "make-body",
  `const chunk = new Uint8Array(65536).fill(120);
export default { fetch(request) {
  let left = Number(new URL(request.url).searchParams.get("bytes"));
  return new Response(new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close();
      controller.enqueue(chunk.slice(0, Math.min(left, chunk.length)));
      left -= chunk.length;
    },
  }, { highWaterMark: 0 }));
} };`,
);
/** Reads nothing of the body of /hold before /release, then counts it. */
const holdBody = scenario(
  "hold-body",
  `let release;
const released = new Promise((resolve) => { release = resolve; });
export default { async fetch(request) {
  if (new URL(request.url).pathname === "/release") { release(); return new Response("released"); }
  await released;
  let bytes = 0;
  for await (const chunk of request.body) bytes += chunk.length;
  return new Response(String(bytes));
} };`,
);
/** /events streams one event for each request to /tick. */
const events = scenario(
  "events",
  `let controller;
export default { fetch(request) {
  const url = new URL(request.url);
  if (url.pathname === "/tick") {
    const text = url.searchParams.get("text");
    if (text === null) controller.close();
    else controller.enqueue(new TextEncoder().encode("data: " + text + "\\n\\n"));
    return new Response("ticked");
  }
  const body = new ReadableStream({ start(made) { controller = made; } });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
} };`,
);

const mib = 2 ** 20;
const streamBytes = 64 * mib;
const growthBytesMax = 8 * mib;
/** How many times longer than the ones before it the stream is that is measured. */
const longerTimes = 16;
const heldEverySamples = 16;
const block = Buffer.alloc(64 * 1024, "x");

/** Writes `bytes` as the stream takes them, then ends. */
async function pump(
  context: CaseContext,
  recording: Recording,
  bytes: number,
  onWrite: () => void,
): Promise<void> {
  for (let sent = 0; sent < bytes; sent += block.length) {
    const drains = recording.drains;
    if (!recording.stream.write(block)) {
      await context.within(
        recording.until(() => recording.drains > drains || recording.isDone),
        "drained",
      );
    }
    if (sent % mib === 0) {
      onWrite();
      await context.settle(1);
    }
  }
  recording.stream.end();
}

/** Streams of the whole volume that may show the growth which one of them must stay within. */
const attemptsMax = 3;

interface Volume {
  readonly inBytes: number;
  readonly outBytes: number;
}

interface Peak {
  /** Resident bytes of this process and the instance's. */
  residentBytes: number;
  /** Bytes this process holds although it collected its garbage. */
  heldBytes: number;
}

/** Streams the volume once; gives the most memory seen on the way. */
async function flow(context: CaseContext, instance: Instance, volume: Volume): Promise<Peak> {
  const peak: Peak = { residentBytes: 0, heldBytes: 0 };
  let samples = 0;
  const measure = (): void => {
    peak.residentBytes = Math.max(peak.residentBytes, totalResidentBytes(instance));
    samples += 1;
    // A collection is dear, so only now and then.
    if (samples % heldEverySamples === 0) peak.heldBytes = Math.max(peak.heldBytes, heldBytes());
  };
  const recording = context.call(instance, {
    path: `/?bytes=${volume.outBytes}`,
    complete: volume.inBytes === 0,
    keep: false,
  });
  const sampling = (async () => {
    for (let at = mib; at <= volume.outBytes; at += mib) {
      await recording.until(() => recording.bytes >= at || recording.isDone);
      measure();
    }
  })();
  if (volume.inBytes > 0) await pump(context, recording, volume.inBytes, measure);
  await context.done(recording);
  await sampling;
  assert.equal(recording.failure, undefined, recording.describe());
  if (volume.outBytes > 0) assert.equal(recording.bytes, volume.outBytes);
  return peak;
}

interface Growth {
  readonly fromBytes: number;
  readonly toBytes: number;
  readonly boundBytes: number;
}

function assertGrowth(what: string, { fromBytes, toBytes, boundBytes }: Growth): void {
  const grown = ((toBytes - fromBytes) / mib).toFixed(1);
  assert(toBytes - fromBytes <= boundBytes, `${what} memory grew by ${grown} MiB of 64 streamed`);
}

/**
 * Memory may not grow with the length of a stream: 64 MiB may not need 8 MiB more than the same
 * bytes took as short streams, which have warmed every buffer and heap on the way.
 */
async function bounded(context: CaseContext, instance: Instance, volume: Volume): Promise<void> {
  const short = { inBytes: volume.inBytes / longerTimes, outBytes: volume.outBytes / longerTimes };
  let warmBytes = 0;
  for (let stream = 0; stream < context.warmStreams; stream++) {
    warmBytes = Math.max(warmBytes, (await flow(context, instance, short)).residentBytes);
  }
  const heldBefore = heldBytes();
  const boundBytes = growthBytesMax + context.collectorNoiseMb * mib;
  // A collector that comes late adds a few MiB now and then; what is kept of a stream is there each time.
  let least: Peak | undefined;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const peak = await flow(context, instance, volume);
    least = {
      residentBytes: Math.min(least?.residentBytes ?? Infinity, peak.residentBytes),
      heldBytes: Math.min(least?.heldBytes ?? Infinity, peak.heldBytes),
    };
    if (least.residentBytes - warmBytes <= boundBytes) break;
  }
  assert(least !== undefined);
  assertGrowth("resident", { fromBytes: warmBytes, toBytes: least.residentBytes, boundBytes });
  assertGrowth("held", {
    fromBytes: heldBefore,
    toBytes: least.heldBytes,
    boundBytes: growthBytesMax,
  });
}

export const streamCases: readonly DriverCase[] = [
  {
    name: "64 MiB stream in while memory grows by at most 8 MiB",
    knob: "hoard",
    async run(context) {
      const instance = await context.start(countBody);
      await bounded(context, instance, { inBytes: streamBytes, outBytes: 0 });
    },
  },
  {
    name: "64 MiB stream out while memory grows by at most 8 MiB",
    knob: "hoard",
    async run(context) {
      const instance = await context.start(makeBody);
      await bounded(context, instance, { inBytes: 0, outBytes: streamBytes });
    },
  },
  {
    name: "64 MiB stream both ways at once while memory grows by at most 8 MiB",
    knob: "hoard",
    async run(context) {
      const instance = await context.start(streamEcho);
      await bounded(context, instance, { inBytes: streamBytes, outBytes: streamBytes });
    },
  },
  {
    name: "the handler counts exactly the bytes that were streamed in",
    knob: "corrupt_request",
    async run(context) {
      const instance = await context.start(countBody);
      const recording = context.call(instance, { body: "head start", complete: false });
      await pump(context, recording, mib, () => {});
      await context.done(recording);
      assert.equal(recording.text(), String(10 + mib));
    },
  },
  {
    name: "a chunk goes to the handler and back before the next one is sent",
    knob: "buffered_request",
    async run(context) {
      const instance = await context.start(streamEcho);
      const recording = context.call(instance, { complete: false });
      let expected = "";
      for (const word of ["one ", "two ", "three ", "four"]) {
        recording.stream.write(Buffer.from(word));
        expected += word;
        const { length } = expected;
        await context.within(
          recording.until(() => recording.bytes >= length),
          `the echo of ${word}`,
        );
        assert.equal(recording.text(), expected);
      }
      recording.stream.end();
      await context.done(recording);
    },
  },
  {
    name: "server-sent events arrive one by one as they are produced",
    knob: "buffered_response",
    async run(context) {
      const instance = await context.start(events);
      const stream = context.call(instance, { path: "/events", method: "GET" });
      await context.within(
        stream.until(() => stream.status === 200),
        "the head before any event",
      );
      for (let n = 1; n <= 5; n++) {
        await context.ok(instance, { path: `/tick?text=${n}` });
        await context.within(
          stream.until(() => stream.text().endsWith(`data: ${n}\n\n`)),
          `event ${n}`,
        );
      }
      assert.equal(stream.isDone, false);
      await context.ok(instance, { path: "/tick" });
      await context.done(stream);
      assert.equal(stream.text(), "data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\ndata: 5\n\n");
    },
  },
  {
    name: "a stream that is read on reaches its end",
    knob: "slow_body",
    async run(context) {
      const instance = await context.start(makeBody);
      assert.equal((await context.ok(instance, { path: "/?bytes=1000000" })).bytes, 1_000_000);
    },
  },
  {
    name: "a sink that does not call consumed() stops the guest, and consumed() resumes it",
    knob: "no_backpressure_out",
    async run(context) {
      const instance = await context.start(makeBody);
      const path = `/?bytes=${streamBytes}`;
      const recording = context.call(instance, { path, keep: false, consume: false });
      await context.within(
        recording.until(() => recording.bytes > 0),
        "the first bytes",
      );
      await context.rounds(instance, 30);
      const stoppedAt = recording.bytes;
      assert(stoppedAt <= mib, `${stoppedAt} bytes came without credit`);
      await context.rounds(instance, 30);
      assert.equal(recording.bytes, stoppedAt);
      recording.stream.consumed(stoppedAt);
      await context.within(
        recording.until(() => recording.bytes > stoppedAt),
        "more after consumed()",
      );
      recording.stream.cancel("seen enough");
      await context.done(recording);
    },
  },
  {
    name: "a body that nobody reads stops write(), and reading it resumes with drained()",
    knob: "no_backpressure_in",
    async run(context) {
      const instance = await context.start(holdBody);
      const recording = context.call(instance, { path: "/hold", complete: false });
      let sent = 0;
      let room = true;
      while (room && sent < 4 * mib) {
        room = recording.stream.write(block);
        sent += block.length;
      }
      assert.equal(room, false, `write() took ${sent} bytes that nobody read`);
      await context.rounds(instance, 30);
      assert.equal(recording.drains, 0, "drained() was heard although nobody reads");
      await context.ok(instance, { path: "/release" });
      await context.within(
        recording.until(() => recording.drains > 0),
        "drained()",
      );
      recording.stream.end();
      await context.done(recording);
      assert.equal(recording.text(), String(sent));
    },
  },
  {
    name: "write() that returned false is followed by drained() once there is room",
    knob: "lost_drained",
    async run(context) {
      const instance = await context.start(countBody);
      const recording = context.call(instance, { complete: false });
      await pump(context, recording, 2 * mib, () => {});
      await context.done(recording);
      assert.equal(recording.text(), String(2 * mib));
    },
  },
];
