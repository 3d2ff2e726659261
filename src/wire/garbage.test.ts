import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { endOfTurn } from "../base/end-of-turn.ts";
import { Side } from "./connection-pair.harness.ts";
import { frameHeaderBytes, frameType, streamWindowBytes } from "./frames.ts";
import { WireError } from "./wire-error.ts";

const payloadBytesMax = 64 * 1024;
const peerStreamsMax = 8;

/** A side whose own bytes go nowhere. */
function side(role: "host" | "guest"): Side {
  const options = { role, consume: false, payloadBytesMax, peerStreamsMax } as const;
  return new Side({ ...options, write() {}, endOfTurn() {} });
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(frameHeaderBytes);
  header.writeUInt32LE(payload.length, 0);
  header[4] = type;
  header[5] = flags;
  header.writeUInt32LE(stream, 6);
  return Buffer.concat([header, payload]);
}

const headPayload = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 60 }))
  .map(([length, rest]) => Buffer.concat([Buffer.from([length, 0, 0, 0]), rest]));

/** Frames that look right: known types, small stream ids, payloads that often parse. */
const plausibleFrame = fc
  .record({
    type: fc.oneof(fc.constantFrom(...Object.values(frameType)), fc.integer({ min: 0, max: 255 })),
    flags: fc.integer({ min: 0, max: 7 }),
    stream: fc.oneof(
      fc.integer({ min: 0, max: 20 }),
      fc.constantFrom(2 ** 31, 2 ** 32 - 1, 2 ** 32 - 2),
    ),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      headPayload,
      fc.constant(Buffer.from("{}")),
    ),
  })
  .map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload));

function expectSound(target: Side): void {
  expect(target.closedBy.length).toBeLessThanOrEqual(1);
  for (const error of target.closedBy) expect(error).toBeInstanceOf(WireError);
  const own = 4;
  expect(target.connection.streamCount).toBeLessThanOrEqual(own + peerStreamsMax);
}

for (const role of ["host", "guest"] as const) {
  describe(`a ${role} that is fed`, () => {
    test("random bytes ends with a typed error or goes on, and never throws", () => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 15 }), (chunks) => {
          const target = side(role);
          const records = Array.from({ length: 4 }, () => target.open());
          for (const chunk of chunks) target.connection.receive(Buffer.from(chunk));
          expectSound(target);
          if (target.closedBy.length === 0) return;
          for (const record of records) expect(record.error).toBe(target.closedBy[0] as WireError);
        }),
        { numRuns: 400 },
      );
    });

    test("plausible frames in any order ends with a typed error or goes on, and never throws", () => {
      fc.assert(
        fc.property(fc.array(plausibleFrame, { maxLength: 40 }), (frames) => {
          const target = side(role);
          const records = Array.from({ length: 4 }, () => target.open());
          for (const bytes of frames) target.connection.receive(bytes);
          expectSound(target);
          for (const record of records) {
            expect(record.bytes).toBeLessThanOrEqual(streamWindowBytes);
            const lastWords = record.events.filter(
              (event) => event === "end" || event.startsWith("closed"),
            );
            expect(lastWords.length).toBeLessThanOrEqual(2);
          }
        }),
        { numRuns: 1500 },
      );
    });
  });
}

/** What one frame from the guest does to a host with stream 1 open. */
function hostAfter(...frames: readonly Buffer[]): string | undefined {
  const target = side("host");
  target.open();
  for (const bytes of frames) target.connection.receive(bytes);
  return target.closedBy[0]?.code;
}

const none = Buffer.alloc(0);
const head200 = Buffer.from("\x03\0\0\x00200", "latin1");

describe("a host ends the connection with bad_frame on", () => {
  const breaches: Readonly<Record<string, readonly Buffer[]>> = {
    "a frame type that does not exist": [frame(250, 0, 1, none)],
    "body bytes before the head": [frame(frameType.data, 0, 1, Buffer.from("x"))],
    "a message before the upgrade": [frame(frameType.message, 0, 1, none)],
    "a second head": [
      frame(frameType.response, 0, 1, head200),
      frame(frameType.response, 0, 1, head200),
    ],
    "a head shorter than it says": [frame(frameType.response, 0, 1, Buffer.from([9, 0, 0, 0, 1]))],
    "credit that is no 32-bit number": [frame(frameType.credit, 0, 1, Buffer.from([1]))],
    "a reply from the guest": [frame(frameType.reply, 0, 1, Buffer.from("{}"))],
    "a request from the guest": [frame(frameType.request, 0, 1, head200)],
  };
  for (const [what, frames] of Object.entries(breaches)) {
    test(what, () => expect(hostAfter(...frames)).toBe("bad_frame"));
  }

  test("credit beyond every window", () => {
    const grant = frame(frameType.credit, 0, 1, Buffer.from([255, 255, 255, 255]));
    expect(hostAfter(...Array.from({ length: 300 }, () => grant))).toBe("bad_frame");
  });
});

describe("a host ends the connection with bad_stream on", () => {
  const breaches: Readonly<Record<string, readonly Buffer[]>> = {
    "a frame on a stream of its own that it never opened": [frame(frameType.data, 0, 3, none)],
    "a guest stream that does not begin by opening": [frame(frameType.data, 0, 2, none)],
    "a request opened by the guest": [frame(frameType.request, 0, 2, head200)],
    "body bytes after the end": [
      frame(frameType.response, 1, 1, head200),
      frame(frameType.data, 0, 1, Buffer.from("x")),
    ],
  };
  for (const [what, frames] of Object.entries(breaches)) {
    test(what, () => expect(hostAfter(...frames)).toBe("bad_stream"));
  }
});

test("frames on a stream that was closed already are dropped", () => {
  const target = side("host");
  const record = target.open();
  record.stream.close();
  for (const type of [frameType.data, frameType.response, frameType.failure, frameType.credit]) {
    target.connection.receive(frame(type, 1, 1, head200));
  }
  expect(record.events).toEqual([]);
  expect(target.closedBy).toEqual([]);
});

test("stream ids may start over while old streams are still open", () => {
  const target = side("guest");
  const opening = frame(frameType.request, 0, 0, head200);
  const ids = [2 ** 31 - 3, 2 ** 32 - 5, 2 ** 32 - 3, 2 ** 32 - 1, 1, 3];
  for (const id of ids) {
    opening.writeUInt32LE(id, 6);
    target.connection.receive(opening);
  }
  expect(target.closedBy).toEqual([]);
  expect(target.opened).toHaveLength(ids.length);
  // An id from before the wrap is old, not fresh.
  opening.writeUInt32LE(2 ** 32 - 7, 6);
  target.connection.receive(opening);
  expect(target.opened).toHaveLength(ids.length);
});

test("a listener that refuses a head with a WireError ends the connection with it", () => {
  const target = side("host");
  const record = target.open();
  record.head = () => {
    throw new WireError("bad_frame", "Response head is malformed");
  };
  target.connection.receive(frame(frameType.response, 0, 1, head200));
  expect(target.closedBy.map((error) => error.message)).toEqual(["Response head is malformed"]);
});

test("a listener's own bug is not taken for a breach", () => {
  const target = side("host");
  const record = target.open();
  record.head = () => {
    throw new TypeError("a bug of ours");
  };
  expect(() => target.connection.receive(frame(frameType.response, 0, 1, head200))).toThrow(
    "a bug of ours",
  );
});

test("64 MiB of frames that nobody wants leave less than 8 MiB behind", async () => {
  const target = side("host");
  const record = target.open();
  record.log = () => {};
  record.stream.close();
  target.open().log = () => {};
  const chunk = Buffer.concat([
    frame(frameType.log, 0, 1, Buffer.alloc(30_000)),
    frame(frameType.log, 0, 3, Buffer.alloc(30_000)),
    frame(frameType.cancel, 0, 1, Buffer.alloc(5_000, "r")),
  ]);
  Bun.gc(true);
  const before = process.memoryUsage().heapUsed;
  for (let bytes = 0; bytes < 64 * 2 ** 20; bytes += chunk.length) {
    // Cut in odd places, so that frames are put together from parts.
    target.connection.receive(Buffer.from(chunk.subarray(0, 40_001)));
    target.connection.receive(Buffer.from(chunk.subarray(40_001)));
  }
  // The stack of this turn may still point at some of it.
  await new Promise<void>((resolve) => endOfTurn(resolve));
  Bun.gc(true);
  expect(target.closedBy).toEqual([]);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(8 * 2 ** 20);
});
