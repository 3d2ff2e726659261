import { expect, test } from "bun:test";
import { ClosingAnswer } from "./closing-answer.ts";
import vectors from "./closing-answer.vectors.json" with { type: "json" };
import { headBytesMax } from "./proxy-head.ts";

for (const { name, pieces, taken } of vectors) {
  test(`the client gets ${name} with the end of its connection`, () => {
    const answer = new ClosingAnswer();
    const got = pieces.map((piece) => answer.take(Buffer.from(piece, "latin1")).toString("latin1"));
    expect(got).toEqual(taken);
    expect(answer.rest()).toHaveLength(0);
  });
}

test("a head without an end passes as it is, at its bound or when the origin ends", () => {
  const endless = new ClosingAnswer();
  const start = Buffer.from(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(headBytesMax)}`);
  expect(endless.take(start)).toEqual(start);
  const cut = new ClosingAnswer();
  expect(cut.take(Buffer.from("HTTP/1.1 200"))).toHaveLength(0);
  expect(cut.rest().toString()).toBe("HTTP/1.1 200");
});
