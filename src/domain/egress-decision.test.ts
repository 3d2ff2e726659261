import { describe, expect, test } from "bun:test";
import { createEgressDecider, type EgressDecision } from "./egress-decision.ts";
import { parseEgressRule } from "./egress.ts";

const addresses: Readonly<Record<string, readonly string[]>> = {
  "public.test": ["93.184.216.34"],
  "private.test": ["10.1.2.3"],
  "mixed.test": ["93.184.216.34", "10.1.2.3"],
  "zone.test": ["fe80::1%eth0"],
  "odd.test": ["0x7f.1"],
  "own.test": ["198.51.100.7"],
  "mapped-own.test": ["::ffff:198.51.100.7"],
  "void.test": [],
};

const decide = createEgressDecider({
  privateAllow: ["db.internal:5432", "10.9.0.0/16:6379"],
  denied: () => ["198.51.100.7", "2a00:1::7", "93.184.216.34:8443"],
  own: () => ["10.9.0.1"],
  resolve: async (host) => addresses[host] ?? [],
});

function reasonOf(decision: EgressDecision): string {
  return decision.kind === "deny" ? decision.denial.reason : decision.kind;
}

describe("a destination", () => {
  test.each([
    ["public.test", 443, "connect"],
    ["93.184.216.34", 443, "connect"],
    ["private.test", 80, "private_address"],
    ["mixed.test", 80, "private_address"],
    ["zone.test", 80, "private_address"],
    ["odd.test", 80, "private_address"],
    ["127.0.0.1", 80, "private_address"],
    ["own.test", 80, "own_address"],
    ["mapped-own.test", 80, "own_address"],
    ["198.51.100.7", 22, "own_address"],
    ["::ffff:c633:6407", 22, "own_address"],
    ["64:ff9b::c633:6407", 22, "own_address"],
    ["2002:c633:6407::1", 22, "own_address"],
    ["::c633:6407", 22, "own_address"],
    ["2a00:1::7", 22, "own_address"],
    ["93.184.216.34", 8443, "own_address"],
    ["10.9.1.1", 6379, "connect"],
    ["10.9.0.1", 6379, "private_address"],
    ["10.9.1.1", 6380, "private_address"],
    ["::ffff:a09:101", 6379, "private_address"],
    ["void.test", 80, "unreachable"],
  ])("%s port %d: %s", async (host, port, outcome) => {
    expect(reasonOf(await decide({ host, port }, undefined))).toBe(outcome);
  });

  test("a list of a manifest denies what it does not name before the name is resolved", async () => {
    const resolved: string[] = [];
    const watched = createEgressDecider({
      privateAllow: [],
      denied: () => [],
      own: () => [],
      resolve: async (host) => {
        resolved.push(host);
        return ["93.184.216.34"];
      },
    });
    const rule = parseEgressRule("api.test:443");
    const allow = rule === undefined ? [] : [rule];
    expect(reasonOf(await watched({ host: "secret.evil.test", port: 443 }, allow))).toBe(
      "not_allowed",
    );
    expect(reasonOf(await watched({ host: "secret.evil.test" }, allow))).toBe("not_allowed");
    expect(resolved).toEqual([]);
    expect(reasonOf(await watched({ host: "api.test" }, allow))).toBe("connect");
    expect(reasonOf(await watched({ host: "api.test", port: 443 }, allow))).toBe("connect");
  });

  test("a list of a manifest opens nothing private", async () => {
    const rule = parseEgressRule("127.0.0.1:80");
    const allow = rule === undefined ? [] : [rule];
    expect(reasonOf(await decide({ host: "127.0.0.1", port: 80 }, allow))).toBe("private_address");
  });

  test("addresses that this machine gets later are its own from then on", async () => {
    const own: string[] = [];
    const growing = createEgressDecider({
      privateAllow: [],
      denied: () => own,
      own: () => own,
      resolve: async () => [],
    });
    expect(reasonOf(await growing({ host: "2a00:1::9", port: 80 }, undefined))).toBe("connect");
    own.push("2a00:1::9");
    expect(reasonOf(await growing({ host: "2a00:1::9", port: 80 }, undefined))).toBe("own_address");
  });

  test.each([
    [{ host: "private.test", port: 80 }, ["private.test:80", "it leads to a private address (10.0.0.0/8)", '"private.test:80" in egress.private_allow']],
    [{ host: "fd00::1", port: 80 }, ['"[fd00::1]:80" in egress.private_allow', "fc00::/7"]],
    [{ host: "own.test", port: 80 }, ["own.test:80", "it leads to an address of this server"]],
    [{ host: "10.1.2.3", port: 80 }, ["10.1.2.3 is a private address (10.0.0.0/8)"]],
  ])("%j is refused in words that name it, the reason and the key", async (target, words) => {
    const decision = await decide(target, undefined);
    if (decision.kind !== "deny") throw new Error("it is open");
    for (const word of words) expect(decision.denial.message).toContain(word);
    // A name's address inside is nobody's business who may not connect to it.
    if (target.host.endsWith(".test")) expect(decision.denial.message).not.toContain("10.1.2.3");
  }); // biome-ignore format: a table
});
