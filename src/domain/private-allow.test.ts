import { describe, expect, test } from "bun:test";
import { opensAddress, parsePrivateAllow } from "./private-allow.ts";

function opens(rule: string, host: string, address: string, port?: number, isOwn = false): boolean {
  const parsed = parsePrivateAllow(rule);
  if (parsed === undefined) throw new Error(`${rule} is no rule`);
  return opensAddress(parsed, { host, address, isOwn, ...(port !== undefined && { port }) });
}

describe("what the operator opens", () => {
  test("a name is open wherever it leads, on its port", () => {
    expect(opens("db.internal:5432", "db.internal", "10.1.2.3", 5432)).toBe(true);
    expect(opens("db.internal:5432", "db.internal", "10.1.2.3", 5433)).toBe(false);
    expect(opens("db.internal:5432", "other.internal", "10.1.2.3", 5432)).toBe(false);
  });

  test("an address is open by every name that leads there", () => {
    expect(opens("10.1.2.3:5432", "10.1.2.3", "10.1.2.3", 5432)).toBe(true);
    expect(opens("10.1.2.3:5432", "db.internal", "10.1.2.3", 5432)).toBe(true);
    expect(opens("10.1.2.3:5432", "db.internal", "10.1.2.4", 5432)).toBe(false);
  });

  test("localhost is open by its addresses too, since runtimes resolve it by themselves", () => {
    expect(opens("localhost:5432", "127.0.0.1", "127.0.0.1", 5432)).toBe(true);
    expect(opens("localhost:5432", "::1", "::1", 5432)).toBe(true);
    expect(opens("localhost:5432", "127.0.0.1", "127.0.0.1", 80)).toBe(false);
    expect(opens("localhost:5432", "127.0.0.2", "127.0.0.2", 5432)).toBe(false);
  });

  test.each([
    ["10.20.0.0/16:5432", "10.20.255.9", "10.21.0.1"],
    ["10.20.4.0/22:5432", "10.20.7.255", "10.20.8.0"],
    ["192.168.1.7/32:5432", "192.168.1.7", "192.168.1.8"],
    ["[fd00:1::/32]:5432", "fd00:1:ffff::1", "fd00:2::1"],
    ["[fc00::/7]:5432", "fdff::1", "fe00::1"],
  ])("the range %s holds %s and not %s", (rule, inside, outside) => {
    expect(opens(rule, "db.internal", inside, 5432)).toBe(true);
    expect(opens(rule, inside, inside, 5432)).toBe(true);
    expect(opens(rule, "db.internal", outside, 5432)).toBe(false);
    expect(opens(rule, "db.internal", inside, 80)).toBe(false);
  });

  test("a range of version 4 does not open the same numbers in a form of version 6", () => {
    expect(opens("10.0.0.0/8:80", "x", "::ffff:a00:1", 80)).toBe(false);
  });

  test.each([
    ["10.0.0.0/8:80", false],
    ["*.corp.internal:80", false],
    ["10.1.2.3:80", true],
    ["me.corp.internal:80", true],
  ])("%s opens this machine: %p", (rule, isOpen) => {
    expect(opens(rule, "me.corp.internal", "10.1.2.3", 80, true)).toBe(isOpen);
  });

  test("without a port a rule of any port counts, as for a lookup", () => {
    expect(opens("db.internal:5432", "db.internal", "10.1.2.3")).toBe(true);
    expect(opens("10.0.0.0/8:5432", "db.internal", "10.1.2.3")).toBe(true);
    expect(opens("10.0.0.0/8:5432", "db.internal", "11.1.2.3")).toBe(false);
  });

  test("a wildcard opens what is below at least two labels", () => {
    expect(opens("*.svc.cluster.local:80", "a.b.svc.cluster.local", "10.0.0.1", 80)).toBe(true);
    expect(opens("*.svc.cluster.local:80", "svc.cluster.local", "10.0.0.1", 80)).toBe(false);
  });
});

test.each([
  "", "*", "*:80", "*.com:80", "*.internal:80", "a.*.b:80", "10.0.*:80", "10.0.0.*:80", "db:0", "db:65536", "db:80:80",
  "10.0.0.0/33:80", "10.0.0.0/:80", "10.0.0.0/7:80", "0.0.0.0/0:80", "10.0.0.1/8:80", "10.0.0.0/8:0", "10.0.0.0/8:65536",
  "10.0.0/8:80", "db.internal/8:80", "10.0.0.0/8/8:80", "[fd00::/129]:80", "[::/0]:80", "[fd00::1/64]:80", "[10.0.0.0/8]:80",
  "fd00::/8:80", "10.0.0.0/-1:80", "10.0.0.0/8 :80", "http://db:80", "user@db:80",
])("%p is no rule", (text) => expect(parsePrivateAllow(text)).toBeUndefined()); // biome-ignore format: a table
