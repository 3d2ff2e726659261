import { describe, expect, test } from "bun:test";
import { createPeers, proxyFault } from "./peers.ts";

describe("trusted proxies", () => {
  test("are addresses and blocks of both families", () => {
    const peers = createPeers(["10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::1"]);
    for (const address of ["10.1.2.3", "192.0.2.7", "fd12::1", "2001:db8::1"]) {
      expect(peers.trusts(address)).toBe(true);
    }
    for (const address of ["11.0.0.1", "192.0.2.8", "fe80::1", "2001:db8::2", "", "10.0.0", "x"]) {
      expect(peers.trusts(address)).toBe(false);
    }
  });

  test("are nobody without the setting, whatever a client says", () => {
    const peers = createPeers([]);
    expect(peers.trusts("127.0.0.1")).toBe(false);
    expect(peers.clientAddress("192.0.2.1", "6.6.6.6")).toBe("192.0.2.1");
  });

  test("tell the client by the nearest address that is none of theirs", () => {
    const peers = createPeers(["10.0.0.0/8"]);
    const table: readonly (readonly [string, string | undefined, string])[] = [
      ["192.0.2.1", "6.6.6.6", "192.0.2.1"],
      ["10.0.0.1", "198.51.100.1", "198.51.100.1"],
      ["10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"],
      ["10.0.0.1", undefined, "10.0.0.1"],
      ["10.0.0.1", "unknown", "10.0.0.1"],
      ["10.0.0.1", "6.6.6.6, _hidden, 10.0.0.2", "10.0.0.2"],
      ["10.0.0.1", "2001:db8::9", "2001:db8::9"],
    ];
    for (const [peer, forwardedFor, client] of table) {
      expect(peers.clientAddress(peer, forwardedFor)).toBe(client);
    }
  });

  test("that are none are told", () => {
    for (const entry of ["10.0.0.0/33", "10.0.0", "fd00::/129", "::1/", "10.0.0.0/8/8", "proxy"]) {
      expect(proxyFault(entry)).toContain("must be an address or a CIDR block");
      expect(() => createPeers([entry])).toThrow(entry);
    }
    expect(proxyFault("::1/128")).toBeUndefined();
  });
});
