import { expect, test } from "bun:test";
import { parseProxyHead } from "./proxy-head.ts";
import vectors from "./proxy-head.vectors.json" with { type: "json" };

/** What the vectors say of a head; they hold for the guest in Python too, which has no pods. */
function outcomeOf(head: string): unknown {
  const parsed = parseProxyHead(Buffer.from(head, "latin1"));
  if (typeof parsed === "string") return parsed;
  const { authorization: _, ...outcome } = parsed;
  return outcome;
}

for (const { name, head, outcome } of vectors) {
  test(`the proxy reads ${name} as the vectors say`, () => {
    expect(outcomeOf(head)).toEqual(outcome);
  });
}
