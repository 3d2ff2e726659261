import { expect, test } from "bun:test";
import { adaptEventHandler } from "./event-shape.ts";
import { responseHeadOf } from "./response-head.ts";
import vectors from "./event-shape.vectors.json" with { type: "json" };

/** The same vectors hold for the guest in Python; see `src/drivers/python/event-shape.test.ts`. */
for (const vector of vectors.requests) {
  test(`the event of ${vector.name} is as the vectors say`, async () => {
    const headers = new Headers();
    for (let at = 0; at < vector.headers.length; at += 2) {
      headers.append(vector.headers[at] ?? "", vector.headers[at + 1] ?? "");
    }
    const body = Buffer.from(
      vector.body ?? vector.base64 ?? "",
      vector.body === undefined ? "base64" : "utf8",
    );
    const request = new Request(vector.url, { method: "POST", headers, body });
    const handler = adaptEventHandler((event) => ({ event }));
    const { event } = (await (await handler(request, {})).json()) as { event: unknown };
    expect(event).toEqual(vector.event as object);
  });
}

for (const vector of vectors.results) {
  test(`the answer for ${vector.name} is as the vectors say`, async () => {
    const answering = adaptEventHandler(() => vector.result)(new Request("http://h/"), {});
    if (vector.error !== undefined) {
      expect(await answering.catch(String)).toContain(vector.error);
      return;
    }
    const response = await answering;
    const [status, ...fields] = responseHeadOf(response, undefined).split("\0");
    expect([Number(status), fields]).toEqual([vector.status ?? 0, vector.headers ?? []]);
    expect(await response.text()).toBe(vector.body ?? "");
  });
}
