import { describe, expect, test } from "bun:test";
import { RequestHeaders } from "./request-headers.ts";
import { ResponseHeaders } from "./response-headers.ts";

describe("RequestHeaders", () => {
  test("passes what is the caller's as it was written, repeated headers included", () => {
    const raw = ["Accept", "a", "accept", "b", "X-Custom", "Ä", "Cookie", "c=1"];
    expect(new RequestHeaders(raw).forwarded).toEqual(raw);
  });

  for (const name of [
    "Keep-Alive",
    "TE",
    "Trailer",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Transfer-Encoding",
    "Upgrade",
    "Expect",
    "Connection",
    "Host",
    "Forwarded",
    "X-Forwarded-For",
    "x-forwarded-anything",
    "X-Reactor-Function",
    "X-REACTOR-KEY",
    "X-Reactor-Project",
    "X-Request-Id",
    "Authorization",
    "HTTP2-Settings",
  ]) {
    test(`does not pass ${name}`, () => {
      expect(new RequestHeaders([name, "chunked", "Accept", "x"]).forwarded).toEqual([
        "Accept",
        "x",
      ]);
    });
  }

  test("drops what Connection nominates, in any case and over several Connection headers", () => {
    const raw = [
      "X-A",
      "1",
      "Connection",
      "keep-alive, x-a",
      "X-B",
      "2",
      "connection",
      "X-b",
      "X-C",
      "3",
    ];
    expect(new RequestHeaders(raw).forwarded).toEqual(["X-C", "3"]);
  });

  test("finds what decides about the request", () => {
    const headers = new RequestHeaders([
      "Content-Length",
      "12",
      "X-Reactor-Project",
      "shop",
      "X-Request-Id",
      "r",
      "X-Forwarded-For",
      "1.1.1.1",
      "X-Forwarded-For",
      "2.2.2.2",
      "Origin",
      "http://x",
    ]);
    expect(headers).toMatchObject({
      project: "shop",
      requestId: "r",
      forwardedFor: "1.1.1.1, 2.2.2.2",
      origin: "http://x",
    });
    expect(headers.forwarded).toEqual(["Content-Length", "12", "Origin", "http://x"]);
  });
});

describe("ResponseHeaders", () => {
  const shared = { sharedHost: true };
  const own = { sharedHost: false };

  test("passes the function's headers, each Set-Cookie on its own, and takes Content-Length aside", () => {
    const raw = [
      "Content-Type",
      "text/plain",
      "Set-Cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "Content-Length",
      "3",
    ];
    const headers = new ResponseHeaders(raw, shared);
    expect(headers.list).toEqual(raw.slice(0, 6));
    expect(headers.contentLength).toBe(3);
  });

  test("drops hop-by-hop headers, those that Connection nominates, and the platform's own", () => {
    const raw = [
      "Content-Type",
      "text/plain",
      "Connection",
      "close, X-Hop",
      "x-hop",
      "1",
      "Keep-Alive",
      "1",
      "Transfer-Encoding",
      "chunked",
      "Upgrade",
      "h2c",
      "X-Reactor-Function",
      "fake@1",
      "X-Request-Id",
      "fake",
      "Server-Timing",
      "db;dur=1",
    ];
    expect(new ResponseHeaders(raw, own).list).toEqual([
      "Content-Type",
      "text/plain",
      "Server-Timing",
      "db;dur=1",
    ]);
  });

  const faults: [string, string[]][] = [
    ["CRLF in a value", ["X-A", "1\r\nSet-Cookie: x=1"]],
    ["a bare LF in a value", ["X-A", "1\nX: y"]],
    ["a bare CR in a value", ["X-A", "1\rX: y"]],
    ["NUL in a value", ["X-A", "1\0"]],
    ["DEL in a value", ["X-A", "\x7f"]],
    ["a character beyond Latin-1", ["X-A", "\u0100"]],
    ["CRLF in a name", ["X-A: 1\r\nX-B", "2"]],
    ["a space in a name", ["X A", "1"]],
    ["a colon in a name", ["X:A", "1"]],
    ["an empty name", ["", "1"]],
    ["two lengths", ["Content-Length", "1", "Content-Length", "2"]],
    ["a length that is no number", ["Content-Length", "-1"]],
  ];
  for (const [name, raw] of faults) {
    test(`${name} is a fault`, () => expect(new ResponseHeaders(raw, own).fault).toBeString());
  }

  for (const type of [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/rss+xml",
  ]) {
    test(`${type} is sandboxed on a shared host and free on a function host`, () => {
      const raw = ["content-type", type];
      expect(new ResponseHeaders(raw, shared).list.slice(2)).toEqual([
        "Content-Security-Policy",
        "sandbox allow-scripts allow-forms allow-popups",
      ]);
      expect(new ResponseHeaders(raw, own).list).toEqual(raw);
    });
  }

  test("JSON is not sandboxed; what has no type is, and is not sniffed", () => {
    const json = ["content-type", "application/json"];
    expect(new ResponseHeaders(json, shared).list).toEqual(json);
    expect(new ResponseHeaders([], shared).list).toEqual([
      "X-Content-Type-Options",
      "nosniff",
      "Content-Security-Policy",
      "sandbox allow-scripts allow-forms allow-popups",
    ]);
  });

  test("a policy of the function's own stays beside the platform's", () => {
    const raw = ["content-type", "text/html", "content-security-policy", "default-src *"];
    const { list } = new ResponseHeaders(raw, shared);
    expect(list.filter((text) => text.toLowerCase() === "content-security-policy").length).toBe(2);
  });

  test("Service-Worker-Allowed is for function hosts only", () => {
    const raw = ["content-type", "text/plain", "service-worker-allowed", "/"];
    expect(new ResponseHeaders(raw, shared).list).toEqual(raw.slice(0, 2));
    expect(new ResponseHeaders(raw, own).list).toEqual(raw);
  });
});
