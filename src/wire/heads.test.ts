import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  decodeRequestHead,
  decodeResponseHead,
  encodeResponseHead,
  headPayloadBodyBytes,
  type RequestHead,
  requestHeadBytes,
  splitHeadPayload,
  writeRequestHead,
} from "./heads.ts";
import { WireError } from "./wire-error.ts";

/** Any Latin-1 text without NUL: what a URL or a header can be at most. */
const field = fc
  .array(fc.integer({ min: 1, max: 255 }), { maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes));

const headerList = fc.array(fc.tuple(field, field), { maxLength: 20 }).map((pairs) => pairs.flat());

const requestHead = fc.record({
  invocationId: field,
  requestId: field,
  method: field,
  url: field,
  deadlineMs: fc.integer({ min: 0, max: 2 ** 48 }),
  caller: fc.constantFrom("", '{"kind":"key","id":"key_1"}'),
  headers: headerList,
});

/** Through the bytes, as the wire does. */
function latin1(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

/** The head's text as it was written among other bytes. */
function written(head: RequestHead): string {
  const bytes = Buffer.alloc(requestHeadBytes(head) + 8, 0xff);
  const end = writeRequestHead(head, bytes, 4);
  expect(end).toBe(bytes.length - 4);
  expect([bytes.readUInt32LE(0), bytes.readUInt32LE(end)]).toEqual([2 ** 32 - 1, 2 ** 32 - 1]);
  return bytes.toString("latin1", 4, end);
}

const vector: RequestHead = {
  invocationId: "inv_1",
  requestId: "req_1",
  method: "GET",
  url: "http://a/\xe9",
  deadlineMs: 1_764_000_030_000,
  caller: '{"kind":"key","id":"key_1"}',
  headers: ["host", "a", "x-empty", ""],
};
const vectorText =
  'inv_1\0req_1\0GET\0http://a/\xe9\x001764000030000\0{"kind":"key","id":"key_1"}\0host\0a\0x-empty\0';

test("heads look on the wire as the test vectors say", () => {
  expect(written(vector)).toBe(vectorText);
  expect(written({ ...vector, caller: "", headers: [] })).toBe(
    "inv_1\0req_1\0GET\0http://a/\xe9\x001764000030000\0",
  );
  expect(decodeRequestHead(vectorText).headers).toEqual(vector.headers);
  expect(encodeResponseHead({ status: 204, headers: [] })).toBe("204");
  expect(encodeResponseHead({ status: 200, headers: ["a", "b", "c", ""] })).toBe("200\0a\0b\0c\0");
});

test("a request head without all fields, or with a header without a value, is refused", () => {
  const fields = vectorText.split("\0");
  for (let kept = 0; kept < 6; kept++) {
    expect(() => decodeRequestHead(fields.slice(0, kept).join("\0"))).toThrow(WireError);
  }
  for (const kept of [7, 9]) {
    const head = decodeRequestHead(fields.slice(0, kept).join("\0"));
    expect(() => head.headers).toThrow(WireError);
  }
  expect(() => decodeRequestHead("inv_1\0req_1\0GET\0/\0soon\0")).toThrow(WireError);
});

test("a response head that comes twice is decoded once, another one never mistaken for it", () => {
  const first = decodeResponseHead("200\0a\x001");
  expect(decodeResponseHead("200\0a\x001")).toBe(first);
  expect(decodeResponseHead("200\0a\x002").headers).toEqual(["a", "2"]);
  expect(first.headers).toEqual(["a", "1"]);
});

test("request heads survive encoding and decoding", () => {
  fc.assert(
    fc.property(requestHead, (head) => {
      const decoded = decodeRequestHead(written(head));
      expect({ ...decoded, headers: decoded.headers }).toEqual(head);
    }),
  );
});

test("response heads survive encoding and decoding", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 999 }), headerList, (status, headers) => {
      const head = { status, headers };
      expect(decodeResponseHead(latin1(encodeResponseHead(head)))).toEqual(head);
    }),
  );
});

test("any text decodes to a head or is refused as bad_frame", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      for (const decode of [decodeRequestHead, decodeResponseHead]) {
        try {
          const { headers } = decode(text);
          expect(headers.length % 2).toBe(0);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
          expect(error).toMatchObject({ code: "bad_frame" });
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a status that is no three-digit integer is refused", () => {
  for (const status of [
    "",
    "99",
    "1000",
    "200.5",
    "NaN",
    "-200",
    "0x1f4 ",
    "1e2",
    "2.0",
    "+20",
    " 20",
  ]) {
    expect(() => decodeResponseHead(status)).toThrow(WireError);
  }
});

test("a head payload splits into its text and the body that came with it", () => {
  fc.assert(
    fc.property(field, fc.uint8Array({ maxLength: 100 }), (head, body) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(head.length);
      const payload = Buffer.concat([length, Buffer.from(head, "latin1"), body]);
      const split = splitHeadPayload(payload);
      expect(split.head).toBe(head);
      expect(Uint8Array.from(split.body)).toEqual(body);
      expect(headPayloadBodyBytes(payload)).toBe(body.length);
    }),
  );
});

test("a head payload shorter than it says is refused", () => {
  for (const bytes of [[], [1], [0, 0, 0], [1, 0, 0, 0], [255, 255, 255, 255, 1, 2, 3]]) {
    expect(() => splitHeadPayload(Buffer.from(bytes))).toThrow(WireError);
    expect(() => headPayloadBodyBytes(Buffer.from(bytes))).toThrow(WireError);
  }
});
