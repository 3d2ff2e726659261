import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { FrameDecoder } from "./frame-decoder.ts";
import { frameHeaderBytes } from "./frames.ts";
import { WireError } from "./wire-error.ts";

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
}

const payloadBytesMax = 4096;

const anyFrame: fc.Arbitrary<Frame> = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  flags: fc.integer({ min: 0, max: 255 }),
  stream: fc.integer({ min: 0, max: 0xffffffff }),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 1000, maxLength: payloadBytesMax }),
  ),
});

/** Written out by hand from the description in frames.ts, not by the code under test. */
function bytesOf(frames: readonly Frame[]): Buffer {
  return Buffer.concat(
    frames.flatMap(({ type, flags, stream, payload }) => {
      const header = Buffer.alloc(frameHeaderBytes);
      new DataView(header.buffer, header.byteOffset).setUint32(0, payload.length, true);
      header[4] = type;
      header[5] = flags;
      new DataView(header.buffer, header.byteOffset).setUint32(6, stream, true);
      return [header, payload];
    }),
  );
}

function decode(chunks: readonly Buffer[]): Frame[] {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder({
    payloadBytesMax,
    onFrame: (type, flags, stream, payload) =>
      frames.push({ type, flags, stream, payload: Uint8Array.from(payload) }),
  });
  for (const chunk of chunks) decoder.push(chunk);
  return frames;
}

/** Cuts the bytes at the given fractions of their length. */
function cut(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const at = fractions.map((fraction) => Math.floor(fraction * bytes.length)).sort((a, b) => a - b);
  const edges = [0, ...at, bytes.length];
  return edges.slice(1).map((end, i) => Buffer.from(bytes.subarray(edges[i], end)));
}

test("any split of the bytes gives the same frames", () => {
  const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 12 }), fractions, (frames, fractions) => {
      expect(decode(cut(bytesOf(frames), fractions))).toEqual(frames);
    }),
    { numRuns: 400 },
  );
});

test("bytes that arrive one at a time give the same frames", () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 4 }), (frames) => {
      const bytes = bytesOf(frames);
      const chunks = Array.from(bytes, (_, i) => Buffer.from(bytes.subarray(i, i + 1)));
      expect(decode(chunks)).toEqual(frames);
    }),
    { numRuns: 60 },
  );
});

test("a payload of the largest size passes, and one byte more is refused as frame_too_large", () => {
  const frame = { type: 6, flags: 0, stream: 1, payload: new Uint8Array(payloadBytesMax) };
  expect(decode([bytesOf([frame])])).toHaveLength(1);
  const over = bytesOf([{ ...frame, payload: new Uint8Array(payloadBytesMax + 1) }]);
  expect(() => decode([over])).toThrow(WireError);
  expect(() => decode([over.subarray(0, frameHeaderBytes)])).toThrow(/over the limit of 4096/);
});

test("an oversize length is refused before any of its bytes are kept, also when it comes in parts", () => {
  const header = Buffer.from([0xff, 0xff, 0xff, 0xff, 6, 0, 1, 0, 0, 0]);
  const chunks = Array.from(header, (byte) => Buffer.from([byte]));
  expect(() => decode(chunks)).toThrow(expect.objectContaining({ code: "frame_too_large" }));
});

test("random bytes give frames or frame_too_large, and never more payload than came in", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 20 }), (chunks) => {
      let payloadBytes = 0;
      const decoder = new FrameDecoder({
        payloadBytesMax,
        onFrame: (_type, _flags, _stream, payload) => {
          payloadBytes += payload.length;
        },
      });
      const inBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      try {
        for (const chunk of chunks) decoder.push(Buffer.from(chunk));
      } catch (error) {
        expect(error).toMatchObject({ name: "WireError", code: "frame_too_large" });
      }
      expect(payloadBytes).toBeLessThanOrEqual(inBytes);
    }),
    { numRuns: 500 },
  );
});
