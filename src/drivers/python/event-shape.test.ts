import { expect, test } from "bun:test";
import vectors from "../guest/event-shape.vectors.json" with { type: "json" };
import { openGuestModules } from "./guest-modules.harness.ts";

const guest = openGuestModules();

for (const vector of vectors.requests) {
  test(`the event of ${vector.name} is the one of the other runtimes`, async () => {
    const { url, headers } = vector;
    const encoding = vector.body === undefined ? "base64" : "utf8";
    const body = Buffer.from(vector.body ?? vector.base64 ?? "", encoding).toString("hex");
    const answer = await guest.call("event", { method: "POST", url, headers, body });
    expect(answer).toEqual({ event: vector.event });
  });
}

interface Answer {
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly error?: string;
}

for (const vector of vectors.results) {
  test(`the answer for ${vector.name} is the one of the other runtimes`, async () => {
    const answer = await guest.call<Answer>("response", { result: vector.result });
    if (vector.error !== undefined) {
      expect(answer.error).toContain(vector.error);
      return;
    }
    expect(pairs(answer.headers)).toEqual(pairs(vector.headers));
    expect(answer.status).toBe(vector.status);
    expect(Buffer.from(answer.body ?? "", "hex").toString()).toBe(vector.body ?? "");
  });
}

/** Headers sorted by name, as `Headers` gives them; those of one name keep their order. */
function pairs(flat: readonly string[] = []): string[] {
  return flat
    .flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]] as const] : []))
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([name, value]) => `${name}: ${value}`);
}
