import { afterEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { defaultHttpLimits } from "./http-limits.ts";
import { HttpBench } from "./http-server.harness.ts";
import { KnownHead } from "./known-head.ts";
import { parseHead } from "./parse-head.ts";
import { ParsedHead } from "./parsed-head.ts";

function parsed(bytes: Buffer, at: number): { head: ParsedHead; end: number } | undefined {
  const head = new ParsedHead();
  const end = parseHead(bytes.toString("latin1", at), 0, defaultHttpLimits, head);
  return typeof end === "number" ? { head, end } : undefined;
}

describe("KnownHead", () => {
  const line = fc.stringMatching(/^[a-z]{1,3}: [a-z0-9]{0,4}$/);
  const heads = fc
    .tuple(fc.stringMatching(/^[a-z]{0,3}$/), fc.array(line, { maxLength: 3 }), fc.nat(20))
    .map(([path, lines, length]) =>
      ["POST", `/${path}`, "HTTP/1.1\r\nHost: a\r\nContent-Length:", length]
        .join(" ")
        .concat("\r\n", lines.map((text) => `${text}\r\n`).join(""), "\r\n"),
    );

  test("comes again only where parsing gives the same head and the same end, one byte changed or not", () => {
    fc.assert(
      fc.property(heads, fc.nat(8), fc.nat(400), fc.nat(255), (text, at, place, byte) => {
        const first = Buffer.from(`${text}body`, "latin1");
        const { head, end } = parsed(first, 0) as { head: ParsedHead; end: number };
        const known = KnownHead.of(head, first, 0, end) as KnownHead;
        // The input is the listener's after the head was taken.
        first.fill(0);
        const second = Buffer.from(`${"x".repeat(at)}${text}more`, "latin1");
        expect(known.isAt(second, at)).toBe(true);
        expect(parsed(second, at)).toEqual({ head: known.head, end: known.length });
        expect(known.isAt(second.subarray(0, at + end - 1), at)).toBe(false);
        const changedAt = at + (place % end);
        const isSame = second[changedAt] === byte;
        second[changedAt] = byte;
        expect(known.isAt(second, at)).toBe(isSame);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  test("is not kept when it is longer than 4096 bytes", () => {
    const input = Buffer.alloc(5000);
    expect(KnownHead.of(new ParsedHead(), input, 10, 10 + 4096)).toBeDefined();
    expect(KnownHead.of(new ParsedHead(), input, 10, 10 + 4097)).toBeUndefined();
  });
});

describe("a connection whose client repeats its head", () => {
  let bench: HttpBench;
  afterEach(() => bench.close());

  test("answers each request for itself, and one with another head by that head", async () => {
    bench = await HttpBench.open();
    const client = await bench.raw();
    const post = (path: string, body: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n${body}`;
    client.write(post("/a", "one") + post("/a", "two") + post("/b", "tri") + post("/a", "for"));
    await client.until("POST /a for");
    const answers = [...client.text.matchAll(/POST \/. .../g)].map(([answer]) => answer);
    expect(answers).toEqual(["POST /a one", "POST /a two", "POST /b tri", "POST /a for"]);
    expect(bench.exchanges.map(({ http }) => http.isRepeated)).toEqual([false, true, false, false]);
    client.destroy();
  });

  test("a request that ended keep-alive does not change what its head says to the next", async () => {
    bench = await HttpBench.open();
    bench.handler = (exchange) => {
      if (bench.exchanges.length === 3) exchange.http.keepsAlive = false;
      exchange.answer(200);
    };
    const text = await bench.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(4));
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(3);
    expect(bench.exchanges.at(-1)?.http.head.keepsAlive).toBe(true);
  });
});
