import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { FrameDecoder } from "./frame-decoder.ts";
import { FrameWriter, headTextCharsMax } from "./frame-writer.ts";

const zeroCopyBytes = 16 * 1024;

/** A writer with its writes kept apart, and turns that end when the test says so. */
function collected() {
  const writes: Buffer[] = [];
  const flushes: (() => void)[] = [];
  const writer = new FrameWriter({
    sink: { write: (bytes) => writes.push(bytes) < 0 },
    endOfTurn: (flush) => void flushes.push(flush),
  });
  const endTurn = (): void => {
    for (const flush of flushes.splice(0)) flush();
  };
  return { writer, writes, flushes, endTurn };
}

function decode(writes: readonly Buffer[]) {
  const frames: { type: number; flags: number; stream: number; payload: Uint8Array }[] = [];
  const decoder = new FrameDecoder({
    payloadBytesMax: 2 ** 22,
    onFrame: (type, flags, stream, payload) =>
      frames.push({ type, flags, stream, payload: Uint8Array.from(payload) }),
  });
  for (const write of writes) decoder.push(write);
  return frames;
}

test("everything written during one turn leaves in one write at its end", () => {
  const { writer, writes, flushes, endTurn } = collected();
  for (let i = 0; i < 50; i++) writer.frame(6, 0, i, Buffer.from(`frame ${i}`));
  writer.headFrame(4, 1, 51, "head", Buffer.from("body"));
  expect(writes).toHaveLength(0);
  expect(flushes).toHaveLength(1);
  endTurn();
  expect(writes).toHaveLength(1);
  expect(decode(writes)).toHaveLength(51);
  writer.frame(6, 0, 1);
  endTurn();
  expect(writes).toHaveLength(2);
});

test("a turn without frames writes nothing", () => {
  const { writer, writes } = collected();
  writer.flush();
  expect(writes).toHaveLength(0);
});

test("frames come out as they went in, whatever their sizes and whenever the turn ends", () => {
  const frame = fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    stream: fc.integer({ min: 0, max: 0xffffffff }),
    size: fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(zeroCopyBytes - 1, zeroCopyBytes, zeroCopyBytes + 1, 70_000),
    ),
    turnEnds: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
      const { writer, writes, endTurn } = collected();
      const expected = frames.map(({ type, flags, stream, size }, i) => {
        return { type, flags, stream, payload: new Uint8Array(size).fill(i) };
      });
      for (const [i, { type, flags, stream, payload }] of expected.entries()) {
        writer.frame(type, flags, stream, payload);
        if (frames[i]?.turnEnds) endTurn();
      }
      endTurn();
      expect(decode(writes)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("head frames carry head and body of any size", () => {
  for (const bodyBytes of [0, 1, zeroCopyBytes - 1, zeroCopyBytes, 65_536]) {
    for (const headLength of [0, 10, 70_000]) {
      const { writer, writes, endTurn } = collected();
      const head = "h".repeat(headLength);
      writer.headFrame(5, 1, 9, head, Buffer.alloc(bodyBytes, "b"));
      endTurn();
      const [frame] = decode(writes);
      const payload = Buffer.from(frame?.payload ?? []);
      expect(payload.readUInt32LE(0)).toBe(headLength);
      expect(payload.toString("latin1", 4, 4 + headLength)).toBe(head);
      expect(payload.length).toBe(4 + headLength + bodyBytes);
    }
  }
});

test("a payload of 16 KiB or more is handed on without a copy, in order", () => {
  const { writer, writes, endTurn } = collected();
  const large = Buffer.alloc(zeroCopyBytes, "l");
  writer.frame(6, 0, 1, Buffer.from("before"));
  writer.frame(6, 0, 1, large);
  writer.frame(6, 0, 1, Buffer.from("after"));
  endTurn();
  expect(writes.some((write) => write.buffer === large.buffer)).toBe(true);
  const texts = decode(writes).map(({ payload }) => Buffer.from(payload).toString().slice(0, 6));
  expect(texts).toEqual(["before", "llllll", "after"]);
});

test("a smaller payload may be changed after the call", () => {
  const { writer, writes, endTurn } = collected();
  const payload = Buffer.alloc(zeroCopyBytes - 1, "a");
  writer.frame(6, 0, 1, payload);
  payload.fill("z");
  endTurn();
  expect(Buffer.from(decode(writes)[0]?.payload ?? []).toString()).toBe(
    "a".repeat(zeroCopyBytes - 1),
  );
});

test("bytes handed to the sink never change afterwards", () => {
  const { writer, writes, endTurn } = collected();
  const copies: Buffer[] = [];
  for (let turn = 0; turn < 500; turn++) {
    writer.frame(6, 0, turn, Buffer.alloc(900, turn & 255));
    endTurn();
    copies.push(Buffer.from(writes.at(-1) ?? []));
  }
  expect(writes.every((write, i) => write.equals(copies[i] ?? Buffer.alloc(0)))).toBe(true);
});

test("a head with its body as text is the frame that the same bytes would be", () => {
  for (const text of ["", "plain", "grüße €😀", "lone \ud800 half", "x".repeat(headTextCharsMax)]) {
    const asText = collected();
    expect(asText.writer.headTextFrame(5, 1, 7, "200", text)).toBe(Buffer.byteLength(text));
    const asBytes = collected();
    asBytes.writer.headFrame(5, 1, 7, "200", Buffer.from(text));
    for (const { endTurn } of [asText, asBytes]) endTurn();
    expect(Buffer.concat(asText.writes).equals(Buffer.concat(asBytes.writes))).toBe(true);
  }
});

test("a sink that is done with its bytes gets the same memory again, one that is not never does", () => {
  for (const done of [true, false]) {
    const buffers = new Set<ArrayBufferLike>();
    const starts = new Set<number>();
    const writer = new FrameWriter({
      sink: {
        write(bytes) {
          buffers.add(bytes.buffer);
          starts.add(bytes.byteOffset);
          return done;
        },
      },
      endOfTurn() {},
    });
    for (let turn = 0; turn < 200; turn++) {
      for (let i = 0; i < 5; i++) writer.frame(6, 0, i, Buffer.alloc(9000));
      writer.flush();
    }
    if (done) expect([buffers.size, starts.size]).toEqual([1, 1]);
    else expect(buffers.size).toBeGreaterThan(100);
  }
});

test("a writer that copies all lets go of every payload, however slow its sink", () => {
  const frame = fc.record({ size: fc.nat({ max: 65_536 }), hands: fc.nat({ max: 3 }) });
  fc.assert(
    fc.property(fc.array(frame, { minLength: 20, maxLength: 60 }), (frames) => {
      const held: Buffer[] = [];
      const handed: Buffer[] = [];
      let hands = 0;
      const handOver = (): void => {
        for (const bytes of held.splice(0)) handed.push(Buffer.from(bytes));
      };
      const writer = new FrameWriter({
        sink: {
          write(bytes) {
            held.push(bytes);
            // The system takes what waits now, or some time later.
            if (hands === 0) handOver();
            return held.length === 0;
          },
        },
        endOfTurn() {},
        copiesAll: true,
      });
      const payload = Buffer.alloc(65_536);
      for (const [i, { size, hands: next }] of frames.entries()) {
        hands = next;
        payload.fill(i);
        writer.frame(6, 0, i, payload.subarray(0, size));
        if (i % 4 === 3) writer.flush();
      }
      hands = 0;
      writer.frame(6, 0, 1000);
      writer.flush();
      const expected = frames.map(({ size }, i) => new Uint8Array(size).fill(i));
      const found = decode(handed).map((entry) => entry.payload);
      expect(found.slice(0, -1)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});

test("slabs that a slow sink has taken are filled again", () => {
  const buffers = new Set<ArrayBufferLike>();
  let writes = 0;
  const writer = new FrameWriter({
    sink: {
      write(bytes) {
        buffers.add(bytes.buffer);
        writes += 1;
        return writes % 4 === 0;
      },
    },
    endOfTurn() {},
    copiesAll: true,
  });
  for (let i = 0; i < 400; i++) writer.frame(6, 0, 1, Buffer.alloc(65_536));
  expect(buffers.size).toBeLessThanOrEqual(5);
});

test("a payload with code is handed on as it is and costs no slab, also when all is copied", () => {
  const buffers = new Map<ArrayBufferLike, number>();
  const writer = new FrameWriter({
    sink: {
      write(bytes) {
        buffers.set(bytes.buffer, bytes.buffer.byteLength);
        return true;
      },
    },
    endOfTurn() {},
    copiesAll: true,
  });
  const code = Buffer.alloc(3_000_000, "c");
  writer.frame(2, 0, 0, code);
  writer.frame(6, 0, 1, Buffer.from("after"));
  writer.flush();
  expect([...buffers.keys()].includes(code.buffer)).toBe(true);
  expect([...buffers.values()].filter((bytes) => bytes > 100_000)).toEqual([
    code.buffer.byteLength,
  ]);
});
