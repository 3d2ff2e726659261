import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Side } from "../../wire/connection-pair.harness.ts";
import { FrameDecoder } from "../../wire/frame-decoder.ts";
import { FrameWriter } from "../../wire/frame-writer.ts";
import { frameFlag, frameType, streamWindowBytes } from "../../wire/frames.ts";
import { encodeResponseHead, type RequestHead } from "../../wire/heads.ts";
import { isUsedStreamId, nextStreamId } from "../../wire/stream-ids.ts";
import { WireError } from "../../wire/wire-error.ts";
import { openGuestModules } from "./guest-modules.harness.ts";

const guest = openGuestModules();
const payloadBytesMax = 64 * 1024;
const streamsMax = 8;
const numRuns = 500;

const head: RequestHead = {
  invocationId: "inv_1",
  requestId: "req_1",
  method: "GET",
  url: "http://a/\xe9",
  deadlineMs: 1_764_000_030_000,
  caller: '{"kind":"key","id":"key_1"}',
  headers: ["host", "a", "x-empty", ""],
};

/** Bytes that the host's own writer makes. */
function written(write: (writer: FrameWriter) => void): Buffer {
  const parts: Buffer[] = [];
  const writer = new FrameWriter({
    sink: {
      write(bytes) {
        parts.push(Buffer.from(bytes));
        return true;
      },
    },
    endOfTurn() {},
  });
  write(writer);
  writer.flush();
  return Buffer.concat(parts);
}

/** What the host's own decoder makes of the chunks. */
function decoded(chunks: readonly Buffer[]) {
  const frames: unknown[] = [];
  const decoder = new FrameDecoder({
    payloadBytesMax,
    onFrame: (type, flags, stream, payload) =>
      frames.push([type, flags, stream, payload.toString("hex")]),
  });
  try {
    for (const chunk of chunks) decoder.push(chunk);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return { frames, error: error.code };
  }
  return { frames, error: null };
}

function hex(chunks: readonly Uint8Array[]): string[] {
  return chunks.map((chunk) => Buffer.from(chunk).toString("hex"));
}

const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 7 }),
    stream: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    payload: fc.uint8Array({ maxLength: 300 }),
  })
  .map(({ type, flags, stream, payload }) =>
    written((writer) => writer.frame(type, flags, stream, payload)),
  );

test("any split of any frames gives the frames that the host's decoder gives", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(anyFrame, fc.uint8Array({ maxLength: 40 })), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 }),
      async (frames, sizes) => {
        const bytes = Buffer.concat(frames);
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = sizes[i] ?? bytes.length;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const seen = await guest.call("decode", { chunks: hex(chunks), payloadBytesMax });
        expect(seen).toEqual(decoded(chunks));
      },
    ),
    { numRuns },
  );
});

test("a request head reads as the host wrote it", async () => {
  const bytes = written((writer) => writer.headFrame(frameType.request, 0, 1, head));
  const text = bytes.toString("latin1", 14);
  expect(await guest.call("request_head", { text })).toEqual({ ...head });
  for (const malformed of ["", "a\0b", "a\0b\0c\0d\0x\0", `${text}\0odd`]) {
    expect(await guest.call("request_head", { text: malformed })).toEqual({ error: "bad_frame" });
  }
});

test("a response head is written as the host's own side writes it", async () => {
  for (const headers of [
    [],
    ["content-type", "text/plain", "x-latin", "na\xefve", "x-empty", ""],
  ]) {
    const expected = Buffer.from(encodeResponseHead({ status: 201, headers }), "latin1");
    const { head: given } = await guest.call<{ head: string }>("response_head", {
      status: 201,
      headers,
    });
    expect(given).toBe(expected.toString("hex"));
  }
});

test("stream ids start over and are told apart as on the host", async () => {
  const ids = [0, 1, 2, 41, 42, 2 ** 32 - 4, 2 ** 32 - 3, 2 ** 32 - 2, 2 ** 32 - 1];
  const pairs = ids.flatMap((id) => ids.map((last) => [id, last] as const));
  expect(await guest.call("stream_ids", { ids, pairs })).toEqual({
    next: ids.map(nextStreamId),
    used: pairs.map(([id, last]) => isUsedStreamId(id, last)),
  });
});

const headPayload = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.uint8Array({ maxLength: 60 }))
  .map(([length, rest]) => Buffer.concat([Buffer.from([length, 0, 0, 0]), rest]));

/** What only the host hears: heads of answers, log lines, and the messages that follow an upgrade. */
const hostOnly: ReadonlySet<number> = new Set([
  frameType.response,
  frameType.upgrade,
  frameType.log,
  frameType.message,
]);

/** Frames that look right. */
const plausibleFrame = fc
  .record({
    type: fc.constantFrom(...Object.values(frameType).filter((type) => !hostOnly.has(type))),
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
  .map(({ type, flags, stream, payload }) =>
    written((writer) => writer.frame(type, flags, stream, payload)),
  );

interface Heard {
  readonly events: readonly (readonly unknown[])[];
  readonly written: string;
  readonly streams: number;
}

function heard(frames: readonly Uint8Array[], options: object = {}): Promise<Heard> {
  return guest.call("connection", { chunks: hex(frames), payloadBytesMax, streamsMax, ...options });
}

function closedBy({ events }: Heard): unknown[] {
  return events.filter(([what]) => what === "closed").map(([, code]) => code);
}

test("plausible frames in any order break the protocol exactly when they do on the other guest", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plausibleFrame, { maxLength: 25 }), async (frames) => {
      const other = new Side({
        role: "guest",
        consume: false,
        payloadBytesMax,
        peerStreamsMax: streamsMax,
        write() {},
        endOfTurn() {},
      });
      other.open();
      for (const frame of frames) other.connection.receive(frame);
      const seen = await heard(frames);
      expect(closedBy(seen)).toEqual(other.closedBy.map(({ code }) => code));
      expect(seen.streams).toBe(other.connection.streamCount);
    }),
    { numRuns },
  );
});

const request = (id: number, body?: Uint8Array): Buffer =>
  written((writer) => writer.headFrame(frameType.request, 0, id, head, body));
const frame = (type: number, id: number, payload?: Uint8Array, flags = 0): Buffer =>
  written((writer) => writer.frame(type, flags, id, payload));
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};

test("a host that sends more than its credit is cut off", async () => {
  const block = new Uint8Array(payloadBytesMax);
  const blocks = Array.from({ length: streamWindowBytes / block.length + 1 }, () =>
    frame(frameType.data, 1, block),
  );
  expect(closedBy(await heard([request(1), ...blocks]))).toEqual(["window_exceeded"]);
});

test("what is consumed is granted again in steps", async () => {
  const block = new Uint8Array(payloadBytesMax);
  const blocks = Array.from({ length: 16 }, () => frame(frameType.data, 1, block));
  const seen = await heard([request(1), ...blocks], { consume: true });
  expect(closedBy(seen)).toEqual([]);
  const { frames } = decoded([Buffer.from(seen.written, "hex")]);
  const step = u32(streamWindowBytes / 2).toString("hex");
  expect(frames).toEqual(Array.from({ length: 8 }, () => [frameType.credit, 0, 1, step]));
});

test("a response waits for credit, goes on with it, and ends once it has left", async () => {
  const answer = 3 * streamWindowBytes;
  const seen = await heard(
    [
      request(1),
      ...Array.from({ length: 4 }, () => frame(frameType.credit, 1, u32(streamWindowBytes))),
    ],
    { answer },
  );
  expect(seen.events).toContainEqual(["room", 1, false]);
  const { frames } = decoded([Buffer.from(seen.written, "hex")]);
  const sent = (frames as [number, number, number, string][]).filter(
    ([type]) => type === frameType.data,
  );
  expect(sent.reduce((bytes, [, , , payload]) => bytes + payload.length / 2, 0)).toBe(answer);
  expect(sent.at(-1)?.[1]).toBe(frameFlag.end);
});

test("more streams than allowed close the connection", async () => {
  const requests = Array.from({ length: streamsMax + 1 }, (_, i) => request(2 * i + 1));
  expect(closedBy(await heard(requests))).toEqual(["too_many_streams"]);
});

test("a frame over the limit closes the connection before it is held", async () => {
  const header = Buffer.alloc(10);
  header.writeUInt32LE(payloadBytesMax + 1, 0);
  expect(closedBy(await heard([header]))).toEqual(["frame_too_large"]);
});
