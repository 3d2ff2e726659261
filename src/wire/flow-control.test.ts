import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Pair, type StreamRecord } from "./connection-pair.harness.ts";
import { frameType, streamWindowBytes } from "./frames.ts";
import type { WireStream } from "./stream.ts";

/** Bytes whose content tells their position, so that a swap or a loss shows. */
function pattern(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 31 + ((from + i) >> 8)) & 255;
  return bytes;
}

const writeSize = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 10_000, max: 70_000 }),
  fc.constantFrom(16_383, 16_384, 65_536, streamWindowBytes, streamWindowBytes + 1),
);

/** One step of a random run: a side writes, takes some of what it has, or the bytes move. */
const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), up: fc.boolean(), size: writeSize }),
  fc.record({
    kind: fc.constant("consume" as const),
    up: fc.boolean(),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ kind: fc.constant("move" as const), chunk: fc.integer({ min: 1, max: 90_000 }) }),
);

interface End {
  readonly record: StreamRecord & { stream: WireStream };
  written: number;
  consumed: number;
}

function openBoth(pair: Pair): { host: End; guest: End } {
  const host = pair.host.open();
  host.stream.head(frameType.request, "head", undefined, false);
  pair.run();
  const record = pair.guest.opened[0]?.record;
  if (record?.stream === undefined) throw new Error("the stream did not open");
  const guest = Object.assign(record, { stream: record.stream });
  guest.stream.head(frameType.response, "200", undefined, false);
  pair.run();
  return {
    host: { record: host, written: 0, consumed: 0 },
    guest: { record: guest, written: 0, consumed: 0 },
  };
}

function consume(end: End, bytes: number): void {
  end.record.stream.consumed(bytes);
  end.consumed += bytes;
}

/** No receiver ever holds more than the window that it has not consumed. */
function expectWithinCredit(ends: readonly End[]): void {
  for (const end of ends) {
    expect(end.record.bytes - end.consumed).toBeLessThanOrEqual(streamWindowBytes);
  }
}

test("credit is never exceeded and every byte arrives in order, whatever the sizes and the pace", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const pair = new Pair({ consume: false });
      const { host, guest } = openBoth(pair);
      const ends = [host, guest];
      for (const each of steps) {
        if (each.kind === "move") {
          pair.run(() => each.chunk);
        } else if (each.kind === "write") {
          const from = each.up ? host : guest;
          from.record.stream.write(pattern(from.written, each.size));
          from.written += each.size;
        } else {
          const at = each.up ? guest : host;
          consume(at, Math.floor(each.share * (at.record.bytes - at.consumed)));
        }
        expectWithinCredit(ends);
      }
      for (const end of ends) end.record.stream.end();
      // Everything is delivered once the receivers go on consuming.
      for (let round = 0; round < 200; round++) {
        pair.run(() => 30_000);
        expectWithinCredit(ends);
        for (const end of ends) consume(end, end.record.bytes - end.consumed);
      }
      expect([...pair.host.closedBy, ...pair.guest.closedBy]).toEqual([]);
      expect(guest.record.body().equals(pattern(0, host.written))).toBe(true);
      expect(host.record.body().equals(pattern(0, guest.written))).toBe(true);
      expect(ends.map((end) => end.record.events.at(-1))).toEqual(["end", "end"]);
      expect(pair.host.connection.streamCount + pair.guest.connection.streamCount).toBe(0);
    }),
    { numRuns: 60 },
  );
});

test("write() is false from the first byte beyond the window, and drained comes once there is room", () => {
  const pair = new Pair({ consume: false });
  const { host, guest } = openBoth(pair);
  expect(host.record.stream.write(pattern(0, streamWindowBytes))).toBe(true);
  expect(host.record.stream.write(pattern(0, 1))).toBe(false);
  pair.run();
  expect(guest.record.bytes).toBe(streamWindowBytes);
  expect(host.record.events).not.toContain("drained");
  consume(guest, streamWindowBytes);
  pair.run();
  expect(host.record.events.filter((event) => event === "drained")).toHaveLength(1);
  expect(guest.record.bytes).toBe(streamWindowBytes + 1);
});

test("a receiver that consumes single bytes grants credit in few frames", () => {
  const pair = new Pair({ consume: false });
  const { host, guest } = openBoth(pair);
  host.record.stream.write(pattern(0, streamWindowBytes));
  pair.run();
  let frames = 0;
  const write = pair.guest.connection.writer.frame.bind(pair.guest.connection.writer);
  pair.guest.connection.writer.frame = (...frame) => {
    frames += 1;
    write(...frame);
  };
  for (let byte = 0; byte < streamWindowBytes; byte++) consume(guest, 1);
  pair.run();
  expect(frames).toBeLessThanOrEqual(4);
  expect(host.record.stream.write(pattern(0, streamWindowBytes))).toBe(true);
});

test("a peer that sends more than its credit is cut off with window_exceeded", () => {
  const pair = new Pair({ consume: false });
  const { host, guest } = openBoth(pair);
  const { writer } = pair.guest.connection;
  const { id } = guest.record.stream;
  for (let sent = 0; sent <= streamWindowBytes; sent += 65_536) {
    writer.frame(frameType.data, 0, id, Buffer.alloc(65_536));
  }
  pair.run();
  expect(pair.host.closedBy.map((error) => error.code)).toEqual(["window_exceeded"]);
  expect(host.record.bytes).toBe(streamWindowBytes);
});

test("64 MiB pass with no more than the window in transit", () => {
  const pair = new Pair({ consume: true });
  const { host, guest } = openBoth(pair);
  const block = pattern(0, 65_536);
  let sent = 0;
  while (sent < 64 * 2 ** 20) {
    while (host.record.stream.write(block)) sent += block.length;
    sent += block.length;
    pair.run();
    guest.record.chunks.length = 0;
  }
  expect(guest.record.bytes).toBe(sent);
  expect(pair.transitBytesMax).toBeLessThanOrEqual(streamWindowBytes + 65_536);
});
