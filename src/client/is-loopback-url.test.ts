import { describe, expect, test } from "bun:test";
import { isLoopbackUrl } from "./is-loopback-url.ts";

describe("isLoopbackUrl()", () => {
  test.each([
    "http://127.0.0.1:8080",
    "http://127.9.9.9",
    "http://localhost",
    "http://a.localhost:1",
    "http://[::1]:8080",
  ])("takes %s", (url) => expect(isLoopbackUrl(url)).toBe(true));
  test.each([
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://10.0.0.1",
    "http://[::2]",
    "https://example.com/127.0.0.1",
  ])("refuses %s", (url) => expect(isLoopbackUrl(url)).toBe(false));
});
