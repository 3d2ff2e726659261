import { describe, expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { createFailureLimit } from "./failure-limit.ts";

const limitOf = (addressesMax = 3) => {
  const clock = createVirtualClock();
  return { clock, limit: createFailureLimit({ clock, failuresPerMinute: 2, addressesMax }) };
};

describe("check()", () => {
  test("throws from the failure after the last allowed one until the minute is over", async () => {
    const { clock, limit } = limitOf();
    limit.failed("192.0.2.1");
    await clock.advance(10_000);
    limit.failed("192.0.2.1");
    expect(() => limit.check("192.0.2.1")).toThrow("2 unknown keys or tokens");
    expect(() => limit.check("192.0.2.2")).not.toThrow();
    await clock.advance(50_000);
    expect(() => limit.check("192.0.2.1")).not.toThrow();
  });

  test("counts a whole IPv6 /64, and a mapped IPv4 address, as one", () => {
    const { limit } = limitOf();
    limit.failed("2001:db8:1:2::1");
    limit.failed("2001:db8:1:2:aaaa:bbbb:cccc:dddd");
    expect(() => limit.check("2001:db8:1:2::ffff")).toThrow();
    expect(() => limit.check("2001:db8:1:3::1")).not.toThrow();
    limit.failed("::ffff:192.0.2.1");
    limit.failed("192.0.2.1");
    expect(() => limit.check("::ffff:192.0.2.1")).toThrow();
  });

  test("forgets the oldest address rather than growing", () => {
    const { limit } = limitOf(2);
    for (const address of ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"]) {
      limit.failed(address);
    }
    expect(() => limit.check("192.0.2.1")).not.toThrow();
  });
});
