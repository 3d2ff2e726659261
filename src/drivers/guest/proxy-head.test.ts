import { expect, test } from "bun:test";
import { parseProxyHead } from "./proxy-head.ts";
import vectors from "./proxy-head.vectors.json" with { type: "json" };

/** The same vectors hold for the guest in Python; see `src/drivers/python/proxy-head.test.ts`. */
for (const { name, head, outcome } of vectors) {
  test(`the proxy reads ${name} as the vectors say`, () => {
    expect(parseProxyHead(Buffer.from(head, "latin1"))).toEqual(outcome as never);
  });
}
