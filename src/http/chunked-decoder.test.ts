import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ChunkedDecoder } from "./chunked-decoder.ts";

interface Decoded {
  body: string;
  rest: string;
  done: boolean;
  fault: string | undefined;
}

function decode(pieces: readonly Buffer[]): Decoded {
  const decoder = new ChunkedDecoder();
  let body = "";
  let rest = "";
  for (const piece of pieces) {
    // The decoder moves bytes within the piece.
    const own = Buffer.from(piece);
    const { end, consumed } = decoder.decode(own, 0);
    body += own.toString("latin1", 0, end);
    if (decoder.done) rest += own.toString("latin1", consumed);
  }
  return { body, rest, done: decoder.done, fault: decoder.fault };
}

const whole = (text: string): Decoded => decode([Buffer.from(text, "latin1")]);

describe("ChunkedDecoder", () => {
  test("gives the bytes of the chunks, drops extensions and trailers, and leaves what follows", () => {
    const text = "3;a=b\r\nabc\r\nA\r\n0123456789\r\n0;x\r\nX-T: 1\r\nX-U: 2\r\n\r\nGET /";
    expect(whole(text)).toEqual({
      body: "abc0123456789",
      rest: "GET /",
      done: true,
      fault: undefined,
    });
  });

  test("is the same however the bytes are cut", () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
    const trailer = fc.constantFrom("", "A: 1\r\n", "A: 1\r\nB:\r\n");
    fc.assert(
      fc.property(chunks, trailer, fc.array(fc.nat(600)), (parts, trailers, cuts) => {
        const encoded = parts.map((part) => {
          const size = Buffer.from(`${part.length.toString(16)}\r\n`);
          return Buffer.concat([size, part, Buffer.from("\r\n")]);
        });
        const bytes = Buffer.concat([...encoded, Buffer.from(`0\r\n${trailers}\r\nnext`)]);
        const at = [0, ...cuts.map((c) => c % bytes.length), bytes.length].sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        expect(decode(pieces)).toEqual({
          body: Buffer.concat(parts).toString("latin1"),
          rest: "next",
          done: true,
          fault: undefined,
        });
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  const refused: Readonly<Record<string, string>> = {
    "no size": "\r\nabc",
    "a size that is no number": "x\r\n",
    "a signed size": "+3\r\nabc",
    "a size with 0x": "0x3\r\nabc",
    "a space before the size": " 3\r\nabc",
    "a space after the size": "3 \r\nabc",
    "a size of nine digits": "000000003\r\nabc",
    "a size that ends with LF alone": "3\nabc",
    "a CR that is not followed by LF": "3\rabc",
    "a chunk that is longer than its size": "3\r\nabcd\r\n",
    "a chunk that ends with LF alone": "3\r\nabc\n0\r\n",
    "an extension with a line feed": "3;a\nb\r\nabc",
    "an extension with NUL": "3;a\0b\r\nabc",
    "a long extension": `3;${"x".repeat(300)}\r\nabc`,
    "many extensions": `1;${"x".repeat(200)}\r\na\r\n`.repeat(100),
    "a trailer with a line feed": "0\r\nA: 1\nB: 2\r\n\r\n",
    "a bare CR in the trailers": "0\r\nA: 1\rB: 2\r\n\r\n",
    "trailers without end": `0\r\n${"A: 1\r\n".repeat(2000)}`,
  };
  for (const [name, text] of Object.entries(refused)) {
    test(`refuses ${name}`, () => {
      const { done, fault } = whole(text);
      expect([done, typeof fault]).toEqual([false, "string"]);
    });
  }

  test("garbage never throws, and nothing is read behind a fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const decoder = new ChunkedDecoder();
        decoder.decode(Buffer.from(bytes), 0);
        if (decoder.fault === undefined) return;
        const { end, consumed } = decoder.decode(Buffer.from("0\r\n\r\n"), 0);
        expect([end, consumed, decoder.done]).toEqual([0, 0, false]);
      }),
      { seed: 6, numRuns: 500 },
    );
  });
});
