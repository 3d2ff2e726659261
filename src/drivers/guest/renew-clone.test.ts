import { expect, test } from "bun:test";
import { GuestHarness } from "./guest.harness.ts";
import { drawsFrom } from "./renew-clone.ts";

const code = `
const { writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(Math, "random");
export default { fetch: () => Response.json({
  text: String(Math.random), name: Math.random.name, draws: [Math.random(), Math.random()],
  property: { writable, enumerable, configurable },
  originOffMs: Math.abs(performance.timeOrigin + performance.now() - Date.now()),
}) };`;

interface Seen {
  readonly text: string;
  readonly name: string;
  readonly draws: readonly number[];
  readonly property: object;
  readonly originOffMs: number;
}

async function seenBy(configure: { readonly clone?: true }): Promise<Seen> {
  const guest = await GuestHarness.start(code, { configure });
  try {
    return JSON.parse(await guest.text({})) as Seen;
  } finally {
    await guest.stop();
  }
}

test("a guest that is told to be a clone draws from a source of its own, and knows when it began", async () => {
  const [one, other] = [await seenBy({ clone: true }), await seenBy({ clone: true })];
  expect(one.text).not.toContain("[native code]");
  expect(one.name).toBe("random");
  expect(one.property).toEqual({ writable: true, enumerable: false, configurable: true });
  expect(one.draws).not.toEqual(other.draws);
  expect(one.originOffMs).toBeLessThan(1000);
});

test("a guest that is no clone keeps the engine's own Math.random", async () => {
  expect((await seenBy({})).text).toContain("[native code]");
});

test("draws are as xoshiro128++ gives them, within [0, 1), and spread over it evenly", () => {
  // The reference sequence of the state 1, 2, 3, 4 begins with 641, 1573767, 3222811527, 3517856514.
  const draw = drawsFrom(Uint32Array.of(1, 2, 3, 4));
  expect(draw()).toBe(((641 >>> 5) * 2 ** 26 + (1_573_767 >>> 6)) / 2 ** 53);
  const tenths = new Uint32Array(10);
  for (let i = 0; i < 100_000; i++) {
    const drawn = draw();
    expect(drawn >= 0 && drawn < 1).toBe(true);
    const at = Math.floor(drawn * 10);
    tenths[at] = (tenths[at] ?? 0) + 1;
  }
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(600);
});
