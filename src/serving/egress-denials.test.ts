import { expect, test } from "bun:test";
import type { EgressDenial } from "../domain/egress-decision.ts";
import { denialsKeptMax, EgressDenials } from "./egress-denials.ts";

const denial = (host: string, port?: number): EgressDenial => ({
  reason: "private_address",
  host,
  port,
  message: `Egress to ${host} is denied`,
});

test("the same denial is kept once, with its count and its last time", () => {
  const denials = new EgressDenials();
  denials.add(denial("a", 80), 1);
  denials.add(denial("b", 80), 2);
  denials.add(denial("a", 80), 3);
  denials.add({ ...denial("a", 80), reason: "not_allowed" }, 4);
  expect(denials.total).toBe(4);
  expect(denials.recent().map(({ denial: { host }, count, atMs }) => [host, count, atMs])).toEqual([
    ["a", 1, 4],
    ["a", 2, 3],
    ["b", 1, 2],
  ]);
});

test("a flood of different ones is counted, and only the latest are kept", () => {
  const denials = new EgressDenials();
  for (let i = 0; i < 10_000; i++) denials.add(denial(`host-${i}`, 80), i);
  expect(denials.total).toBe(10_000);
  expect(denials.recent()).toHaveLength(denialsKeptMax);
  expect(denials.recent()[0]?.denial.host).toBe("host-9999");
});
