import { describe, expect, test } from "bun:test";
import { canonicalHost, deniedAddress, egressRuleMatches, parseEgressRule } from "./egress.ts";

const deniedSpellings = [
  "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001",
  "0x7F.0x0.0x0.0x1", "127.255.255.254", "0", "0.0.0.0", "0x0", "10.0.0.5", "012.0.0.5", "167772165",
  "100.64.0.1", "100.127.255.255", "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
  "172.16.0.1", "172.31.255.255", "192.168.1.1", "0xc0a80101", "192.0.0.192", "198.19.0.1", "224.0.0.1",
  "255.255.255.255", "4294967295", "[::1]", "::1", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]",
  "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:0:1::1]", "[fe80::1]", "[febf::1]",
  "[fc00::1]", "[fdff::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2a00::200:5efe:10.0.0.1]",
  "[2a00::5efe:127.0.0.1]", "１２７.0.0.1", "127。0。0。1",
]; // biome-ignore format: a table

const publicSpellings = [
  "1.1.1.1", "8.8.8.8", "203.0.113.7", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255",
  "128.0.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "192.169.0.1", "223.255.255.255",
  "[2606:4700:4700::1111]", "[2a00:1450::1]", "[::ffff:8.8.8.8]", "[64:ff9b::8.8.8.8]", "[2002:808:808::1]",
]; // biome-ignore format: a table

describe("deniedAddress", () => {
  test.each(deniedSpellings)("denies %s however it is written", (spelling) => {
    const host = canonicalHost(spelling);
    expect(host).toBeDefined();
    expect(deniedAddress(host ?? "")).toBeString();
  });

  test.each(publicSpellings)("allows the public address %s", (spelling) => {
    expect(deniedAddress(canonicalHost(spelling) ?? "")).toBeUndefined();
  });

  test.each([
    "",
    "localhost",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "fe80::1%eth0",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7:8:9",
    "0x7f.1",
  ])("denies %p, which is no plain address", (text) =>
    expect(deniedAddress(text)).toBe("not a plain IP address"),
  );
});

describe("canonicalHost", () => {
  test("gives one spelling of a name", () => {
    expect(canonicalHost("API.Example.COM.")).toBe("api.example.com");
    expect(canonicalHost("[2A00::1]")).toBe("2a00::1");
  });

  test.each([
    "",
    "a b",
    "a/b",
    "user@host",
    "a%2e",
    "a#b",
    "a\\b",
    "[::1",
    "1.2.3.999",
    "x".repeat(300),
  ])("refuses %p", (text) => expect(canonicalHost(text)).toBeUndefined());
});

describe("parseEgressRule", () => {
  const covers = (rule: string, host: string, port: number): boolean => {
    const parsed = parseEgressRule(rule);
    return parsed !== undefined && egressRuleMatches(parsed, canonicalHost(host) ?? "", port);
  };

  test("a host with a port covers that port only", () => {
    expect(covers("api.stripe.com:443", "API.stripe.com", 443)).toBe(true);
    expect(covers("api.stripe.com:443", "api.stripe.com", 80)).toBe(false);
    expect(covers("api.stripe.com", "api.stripe.com", 80)).toBe(true);
    expect(covers("api.stripe.com", "evil-api.stripe.com", 80)).toBe(false);
  });

  test("a wildcard covers names below the suffix and not the suffix or look-alikes", () => {
    expect(covers("*.openai.com", "api.openai.com", 443)).toBe(true);
    expect(covers("*.openai.com", "a.b.openai.com", 1)).toBe(true);
    expect(covers("*.openai.com", "openai.com", 443)).toBe(false);
    expect(covers("*.openai.com", "evilopenai.com", 443)).toBe(false);
  });

  test("addresses are compared in one spelling", () => {
    expect(covers("127.0.0.1:80", "0x7f.1", 80)).toBe(true);
    expect(covers("[::1]:80", "[0:0::1]", 80)).toBe(true);
    expect(covers("::1", "::1", 5)).toBe(true);
  });

  test.each(["", "*", "*.", "a:b", "a:0", "a:70000", "a.*.b", "*.1.2.3.4", "http://a", "a:1:2"])(
    "refuses %p",
    (text) => expect(parseEgressRule(text)).toBeUndefined(),
  );
});
