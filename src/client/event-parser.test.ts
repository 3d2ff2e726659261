import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { createEventParser, type ServerSentEvent } from "./event-parser.ts";

function parseAll(pieces: readonly string[]): ServerSentEvent[] {
  const parse = createEventParser();
  return pieces.flatMap((piece) => [...parse(piece)]);
}

test("events, comments, several data lines and CRLF are told apart", () => {
  const text = ": hi\n\nid: 4\nevent: log\ndata: a\ndata:b\n\nretry: 5\n\r\ndata: c\r\n\r\n";
  expect(parseAll([text])).toEqual([
    { event: "comment", data: undefined },
    { event: "log", data: "a\nb" },
    { event: "message", data: "c" },
  ]);
});

test("any split of the text gives the same events", () => {
  const event = fc.record({
    data: fc.array(fc.stringMatching(/^[^\r\n]{0,20}$/), { minLength: 1, maxLength: 3 }),
    heartbeat: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat(200)), (events, cuts) => {
      const text = events
        .map(({ data, heartbeat }) => {
          const lines = data.map((line) => `data: ${line}\n`).join("");
          return `${heartbeat ? ": alive\n\n" : ""}event: log\n${lines}\n`;
        })
        .join("");
      const edges = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b)];
      const pieces = edges.map((edge, i) => text.slice(edge, edges[i + 1] ?? text.length));
      expect(parseAll(pieces)).toEqual(parseAll([text]));
      expect(
        parseAll(pieces)
          .filter((found) => found.event === "log")
          .map((found) => found.data),
      ).toEqual(events.map(({ data }) => data.join("\n")));
    }),
  );
});

test("an event without an end is refused at the bound, in one line or many", () => {
  const endless = createEventParser();
  expect(() => {
    for (let i = 0; i < 10; i++) endless(`data: ${"x".repeat(1024 * 1024)}`);
  }).toThrow("8388608 characters");
  const many = createEventParser();
  expect(() => {
    for (let i = 0; i < 10; i++) many(`data: ${"x".repeat(1024 * 1024)}\n`);
  }).toThrow("8388608 characters");
});
