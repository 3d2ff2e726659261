import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ReactorError } from "../domain/errors.ts";
import { HeadCollector } from "./head-collector.ts";
import { defaultHttpLimits } from "./http-limits.ts";
import { headersMax, parseHead } from "./parse-head.ts";
import type { RequestHead } from "./request-head.ts";

function emptyHead(): RequestHead {
  return {
    method: "",
    target: "",
    minor: 1,
    headers: [],
    host: undefined,
    contentLength: -1,
    chunked: false,
    keepsAlive: false,
    expectsContinue: false,
  };
}

/** The head, or the refusal's code and message. */
function parse(text: string): RequestHead | string {
  const head = emptyHead();
  const end = parseHead(text, 0, defaultHttpLimits, head);
  return typeof end === "number" ? head : `${end.code}: ${end.message}`;
}

/** What a server makes of the bytes, cut into these pieces. */
function collect(pieces: readonly Buffer[]): string {
  const collector = new HeadCollector(defaultHttpLimits);
  for (const piece of pieces) {
    const length = collector.add(piece);
    if (length instanceof ReactorError) return length.message;
    if (length < 0) continue;
    return JSON.stringify([length, parse(collector.bytes.toString("latin1", 0, length))]);
  }
  return "more";
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((c) => c % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

describe("parseHead()", () => {
  test("gives method, target, version and the headers as they were written", () => {
    const head = parse(
      "POST /a?b=%20 HTTP/1.1\r\nHost: x:1\r\nX-A: \t1 2\t \r\nx-a:\r\nX-Ü".replace(
        "X-Ü",
        "X-B: \xfc",
      ) + "\r\nContent-Length: 007\r\n\r\nrest",
    );
    expect(head).toMatchObject({
      method: "POST",
      target: "/a?b=%20",
      minor: 1,
      host: "x:1",
      contentLength: 7,
      chunked: false,
      keepsAlive: true,
    });
    expect((head as RequestHead).headers).toEqual(
      "Host|x:1|X-A|1 2|x-a||X-B|\xfc|Content-Length|007".split("|"),
    );
  });

  test("knows who keeps the connection and who expects 100", () => {
    const keeps = (lines: string, version = "1.1"): boolean =>
      (parse(`GET / HTTP/${version}\r\nHost: a\r\n${lines}\r\n`) as RequestHead).keepsAlive;
    expect(keeps("")).toBe(true);
    expect(keeps("Connection: close\r\n")).toBe(false);
    expect(keeps("Connection: x, CLOSE\r\n")).toBe(false);
    expect(keeps("", "1.0")).toBe(false);
    expect(keeps("Connection: Keep-Alive\r\n", "1.0")).toBe(true);
    expect(keeps("Connection: keep-alive, close\r\n", "1.0")).toBe(false);
    const expecting = "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n";
    expect((parse(expecting) as RequestHead).expectsContinue).toBe(true);
  });

  test("takes an absolute target that names the Host, as its path", () => {
    for (const [target, path] of [
      ["http://a:80/x?y", "/x?y"],
      ["https://A:80", "/"],
      ["http://a:80?q=/", "/?q=/"],
    ] as const) {
      const head = parse(`GET ${target} HTTP/1.1\r\nHost: a:80\r\n\r\n`);
      expect((head as RequestHead).target).toBe(path);
    }
  });

  test("HTTP/1.0 needs no Host", () => {
    expect(parse("GET / HTTP/1.0\r\n\r\n")).toMatchObject({ host: undefined, keepsAlive: false });
  });

  const get = (lines: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
  const line = (text: string): string => `${text}\r\nHost: a\r\n\r\n`;
  const refused: Readonly<Record<string, string>> = {
    "both framings": get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
    "both framings, the other way round": get(
      "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    ),
    "two lengths": get("Content-Length: 3\r\nContent-Length: 4\r\n"),
    "two equal lengths": get("Content-Length: 3\r\nContent-Length: 3\r\n"),
    "a list of lengths": get("Content-Length: 3, 3\r\n"),
    "a signed length": get("Content-Length: +3\r\n"),
    "a negative length": get("Content-Length: -1\r\n"),
    "a hexadecimal length": get("Content-Length: 0x3\r\n"),
    "an empty length": get("Content-Length: \r\n"),
    "a length beyond what numbers hold": get("Content-Length: 9999999999999999\r\n"),
    "a coding list": get("Transfer-Encoding: gzip, chunked\r\n"),
    "chunked twice": get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "chunked in quotes": get('Transfer-Encoding: "chunked"\r\n'),
    identity: get("Transfer-Encoding: identity\r\n"),
    xchunked: get("Transfer-Encoding: xchunked\r\n"),
    "chunked in HTTP/1.0": "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a folded header": get("X-A: 1\r\n 2\r\n"),
    "a header folded with a tab": get("X-A: 1\r\n\t2\r\n"),
    "a folded first header": "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    "a bare LF after the request line": "GET / HTTP/1.1\nHost: a\r\n\r\n",
    "a bare LF in a value": get("X-A: 1\nX-B: 2\r\n"),
    "a bare CR in a value": get("X-A: 1\rX-B: 2\r\n"),
    "a bare CR at the end": "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
    "NUL in a value": get("X-A: 1\0\r\n"),
    "DEL in a value": get("X-A: 1\x7f\r\n"),
    "NUL in a name": get("X\0A: 1\r\n"),
    "a space before the colon": get("Content-Length : 3\r\n"),
    "a tab before the colon": get("Transfer-Encoding\t: chunked\r\n"),
    "no colon": get("X-A\r\n"),
    "no name": get(": 1\r\n"),
    "a name that is not ASCII": get("X-\xc4: 1\r\n"),
    "no Host": "GET / HTTP/1.1\r\nX-A: 1\r\n\r\n",
    "two Hosts": get("host: a\r\n"),
    "an empty Host": "GET / HTTP/1.1\r\nHost: \r\n\r\n",
    "a Host with a space": "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a Host with a path": "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a Host with a user": "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
    "a list of Hosts": "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "a space before the method": line(" GET / HTTP/1.1"),
    "an empty line before": `\r\n${get("")}`,
    "two spaces after the method": line("GET  / HTTP/1.1"),
    "a tab after the method": line("GET\t/ HTTP/1.1"),
    "two spaces after the target": line("GET /  HTTP/1.1"),
    "a space after the version": line("GET / HTTP/1.1 "),
    "a method that is no token": line("GE(T / HTTP/1.1"),
    "an endless method": line(`${"G".repeat(33)} / HTTP/1.1`),
    "HTTP/0.9": "GET /\r\n\r\n",
    "HTTP/1.2": line("GET / HTTP/1.2"),
    "HTTP/2.0": line("GET / HTTP/2.0"),
    "HTTP/1.10": line("GET / HTTP/1.10"),
    "a version in lower case": line("GET / http/1.1"),
    "the beginning of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an asterisk target": line("OPTIONS * HTTP/1.1"),
    "an authority target": line("CONNECT a:443 HTTP/1.1"),
    "a target without slash": line("GET x HTTP/1.1"),
    "an absolute target of another host": line("GET http://b/ HTTP/1.1"),
    "an absolute target of another port": line("GET http://a:81/ HTTP/1.1"),
    "an absolute target with a user": line("GET http://u@a/ HTTP/1.1"),
    "an absolute target without host": line("GET http:///x HTTP/1.1"),
    "a target of another scheme": line("GET ftp://a/ HTTP/1.1"),
    "a fragment": line("GET /#x HTTP/1.1"),
    "a target that is not ASCII": line("GET /\xe4 HTTP/1.1"),
    "NUL in the target": line("GET /\0 HTTP/1.1"),
    "another expectation": get("Expect: 200-ok\r\n"),
    "two expectations": get("Expect: 100-continue, 100-continue\r\n"),
  };
  for (const [name, text] of Object.entries(refused)) {
    test(`refuses ${name}`, () => expect(parse(text)).toStartWith("invalid_request: Cannot read"));
  }

  test("refuses what is too long or too much, each with its own code", () => {
    const { uriBytesMax, headerBytesMax } = defaultHttpLimits;
    const target = (bytes: number) => parse(line(`GET /${"x".repeat(bytes - 1)} HTTP/1.1`));
    expect(target(uriBytesMax)).toMatchObject({ method: "GET" });
    expect(target(uriBytesMax + 1)).toStartWith("uri_too_long: ");
    const headers = (count: number) => parse(get("X-A: 1\r\n".repeat(count - 1)));
    expect(headers(headersMax)).toMatchObject({ method: "GET" });
    expect(headers(headersMax + 1)).toStartWith("headers_too_large: ");
    const head = (bytes: number) =>
      parse(get(`X: ${"x".repeat(bytes - get("X: \r\n").length)}\r\n`));
    expect(head(headerBytesMax)).toMatchObject({ method: "GET" });
    expect(head(headerBytesMax + 1)).toStartWith("headers_too_large: ");
  });
});

describe("a head in pieces", () => {
  const token = fc.string({
    unit: fc.constantFrom(..."abcXYZ-!09".split("")),
    minLength: 1,
    maxLength: 20,
  });
  const value = fc.string({ unit: fc.constantFrom(..."ab 1,;=/\xfc\t".split("")), maxLength: 40 });
  const validHead = fc
    .tuple(token, fc.array(fc.tuple(token, value), { maxLength: 12 }))
    .map(([path, headers]) =>
      Buffer.from(
        `GET /${path} HTTP/1.1\r\nHost: a\r\n${headers.map(([n, v]) => `x${n}: ${v}\r\n`).join("")}\r\nrest`,
        "latin1",
      ),
    );
  /** Text of the characters that matter, so that much of it is nearly a head. */
  const nearlyHead = fc
    .array(
      fc.constantFrom("GET / HTTP/1.1\r\n", "Host: a\r\n", "\r\n", "\r", "\n", " ", ":", "x", "\0"),
      { maxLength: 14 },
    )
    .map((parts) => Buffer.from(parts.join(""), "latin1"));
  const cuts = fc.array(fc.nat(2000), { maxLength: 12 });

  test("is the same head however the bytes are cut, and what parses at once is the same too", () => {
    fc.assert(
      fc.property(validHead, cuts, (bytes, at) => {
        const head = emptyHead();
        const end = parseHead(bytes.toString("latin1"), 0, defaultHttpLimits, head);
        expect(end).toBe(bytes.length - 4);
        expect(collect(cut(bytes, at))).toBe(JSON.stringify([end, head]));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("gets the same refusal however the bytes are cut; what parses at once is never refused later", () => {
    fc.assert(
      fc.property(nearlyHead, cuts, (bytes, at) => {
        const whole = collect([bytes]);
        expect(collect(cut(bytes, at))).toBe(whole);
        expect(collect([...bytes].map((byte) => Buffer.of(byte)))).toBe(whole);
        const head = emptyHead();
        const end = parseHead(bytes.toString("latin1"), 0, defaultHttpLimits, head);
        if (typeof end === "number") expect(whole).toBe(JSON.stringify([end, head]));
      }),
      { seed: 8, numRuns: 1000 },
    );
  });

  test("garbage is refused or awaits more, and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), cuts, (bytes, at) => {
        const buffer = Buffer.from(bytes);
        parse(buffer.toString("latin1"));
        expect(collect(cut(buffer, at))).toBe(collect([buffer]));
      }),
      { seed: 9, numRuns: 500 },
    );
  });

  test("is refused at its first line feed alone, without waiting for more", () => {
    expect(collect([Buffer.from("GET / HTTP/1.1\n")])).toContain("LF alone");
    expect(collect([Buffer.from("\n")])).toContain("LF alone");
    expect(collect([Buffer.from("GET / HTTP/1.1\r\nHost: a\n")])).toContain("LF alone");
  });

  test("without end is refused at its bound, a byte at a time too", () => {
    const verdict = (text: string, size: number): string => {
      const bytes = Buffer.from(text, "latin1");
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      return collect(pieces);
    };
    for (const size of [1, 1000, 100_000]) {
      expect(verdict("x".repeat(17_000), size)).toContain("longer than 16384 bytes");
      expect(verdict(`GET / HTTP/1.1\r\nX: ${"x".repeat(33_000)}`, size)).toContain("32768 bytes");
    }
  });
});
