import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { InvocationRecord, StoredLogLine } from "../domain/invocation.ts";
import { decodeInvocation } from "./decode-invocation.ts";
import { InvocationEncoder } from "./invocation-encoder.ts";
import { aLine, anInvocation } from "./testing/journal-records.ts";
import { decodeLogLine, encodeLogLine, functionNeedle, seqOfEncoded } from "./log-line-codec.ts";
import { quote } from "./quote.ts";

const text = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constant('"fn":"fn_1"'));
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });

const lines: fc.Arbitrary<StoredLogLine> = fc.record({
  seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  atMs: time,
  level: fc.constantFrom("debug", "info", "warn", "error"),
  source: fc.constantFrom("log", "stdout", "stderr", "platform"),
  functionId: text,
  deploymentId: text,
  invocationId: fc.option(text, { nil: undefined }),
  requestId: fc.option(text, { nil: undefined }),
  message: text,
});

const records: fc.Arbitrary<InvocationRecord> = fc.record({
  id: text,
  requestId: text,
  functionId: text,
  deploymentId: fc.constantFrom("dep_1", "dep_2"),
  revision: fc.nat(),
  method: text,
  startedAtMs: time,
  durationMs: fc.nat().map((n) => n / 1000),
  runMs: fc.option(
    fc.nat().map((n) => n / 1000),
    { nil: undefined },
  ),
  allotment: fc.option(
    fc.record({ memoryMb: fc.constantFrom(64, 3072), vcpu: fc.constantFrom(0.1, 1, 32) }),
    { nil: undefined },
  ),
  status: fc.integer({ min: 100, max: 599 }),
  errorCode: fc.option(text, { nil: undefined }),
  cold: fc.boolean(),
  bytesIn: fc.nat(),
  bytesOut: fc.nat(),
});

describe("journal lines", () => {
  test("any log line comes back as it was, from one line of text", () => {
    fc.assert(
      fc.property(lines, (line) => {
        const encoded = encodeLogLine(line, line.seq);
        expect(encoded.indexOf("\n")).toBe(encoded.length - 1);
        expect(decodeLogLine(encoded)).toStrictEqual(line);
        expect(seqOfEncoded(encoded)).toBe(line.seq);
      }),
    );
  });

  test("any invocation record comes back as it was, from one line of text", () => {
    const encoder = new InvocationEncoder();
    fc.assert(
      fc.property(records, fc.nat({ max: 9 }), (record, from) => {
        const room = Buffer.alloc(from + InvocationEncoder.bytesMax(record));
        const end = encoder.encode(record, room, from);
        const encoded = room.toString("utf8", from, end);
        expect(end).toBeLessThanOrEqual(room.length);
        expect(encoded.indexOf("\n")).toBe(encoded.length - 1);
        expect(decodeInvocation(encoded)).toStrictEqual(record);
      }),
    );
  });

  test("a record of an older version says no run time, and an older version reads a new one", () => {
    const old =
      '{"id":"inv_1","req":"req_1","fn":"fn_1","dep":"dep_1","rev":1,"method":"GET","at":1700000000000,"ms":1.5,"status":200,"cold":false,"in":0,"out":12}';
    const record = anInvocation({ runMs: undefined, allotment: undefined });
    expect(decodeInvocation(old)).toStrictEqual(record);
    const room = Buffer.alloc(4096);
    const end = new InvocationEncoder().encode(anInvocation(), room, 0);
    // It reads members by name and passes over others.
    expect(JSON.parse(room.toString("utf8", 0, end))).toMatchObject(JSON.parse(old));
  });

  test("records of one deployment that differ in what they were given alone keep it apart", () => {
    const encoder = new InvocationEncoder();
    const room = Buffer.alloc(4096);
    const given = [
      { memoryMb: 256, vcpu: 1 },
      { memoryMb: 256, vcpu: 2 },
      { memoryMb: 512, vcpu: 2 },
      undefined,
      { memoryMb: 256, vcpu: 1 },
    ];
    for (const allotment of given) {
      const end = encoder.encode(anInvocation({ allotment }), room, 0);
      expect(decodeInvocation(room.toString("utf8", 0, end))?.allotment).toEqual(allotment);
    }
  });

  test("a duration is kept to the microsecond", () => {
    const room = Buffer.alloc(4096);
    const record = anInvocation({ durationMs: 0.123_456_789 });
    const end = new InvocationEncoder().encode(record, room, 0);
    expect(decodeInvocation(room.toString("utf8", 0, end))?.durationMs).toBe(0.123);
  });

  test("quote() gives what JSON gives for any string", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(JSON.parse(quote(value))).toBe(value);
      }),
    );
  });

  test("no message makes a line look like another function's", () => {
    const encoded = encodeLogLine(aLine({ functionId: "fn_2", message: '{"fn":"fn_1"}' }), 1);
    expect(Buffer.from(encoded).includes(functionNeedle("fn_1"))).toBe(false);
  });

  test.each(["", "{}", "null", "[1]", '{"seq":1', '{"seq":"1"}', "\u0000\u0000"])(
    "damaged text %p is undefined and throws nothing",
    (damaged) => {
      expect(decodeLogLine(damaged)).toBeUndefined();
      expect(decodeInvocation(damaged)).toBeUndefined();
    },
  );
});
