import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  decodeRequestHead,
  decodeResponseHead,
  encodeRequestHead,
  encodeResponseHead,
  headPayloadBodyBytes,
  splitHeadPayload,
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

test("request heads survive encoding and decoding", () => {
  fc.assert(
    fc.property(requestHead, (head) => {
      expect(decodeRequestHead(latin1(encodeRequestHead(head)))).toEqual(head);
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
