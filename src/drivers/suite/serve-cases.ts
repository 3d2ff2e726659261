import assert from "node:assert/strict";
import type { CaseContext } from "./case-context.ts";
import type { DriverCase } from "./driver-case.ts";
import { scenario } from "./scenario.ts";

const jsonEcho = scenario(
  "json-echo",
  "export default { async fetch(request) { return Response.json(await request.json()); } };",
);
const bytesEcho = scenario(
  "bytes-echo",
  "export default { async fetch(request) { return new Response(await request.arrayBuffer()); } };",
);
/** Answers what the query asks for: status, body, header (name:value, repeatable). */
const respond = scenario(
  "respond",
  `export default { fetch(request) {
  const query = new URL(request.url).searchParams;
  const headers = new Headers();
  for (const pair of query.getAll("header")) {
    headers.append(pair.slice(0, pair.indexOf(":")), pair.slice(pair.indexOf(":") + 1));
  }
  return new Response(query.get("body"), { status: Number(query.get("status") ?? 200), headers });
} };`,
);
const describeRequest = scenario(
  "describe-request",
  `export default { fetch: (request) => Response.json({
  method: request.method,
  url: request.url,
  headers: Object.fromEntries(request.headers),
}) };`,
);
/** Answers nobody before `n` requests are in. */
const barrier = scenario(
  "barrier",
  `const waiting = [];
export default { async fetch(request) {
  const query = new URL(request.url).searchParams;
  await new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === Number(query.get("n"))) for (const release of waiting) release();
  });
  return new Response(query.get("id"));
} };`,
);
const ignoresBody = scenario(
  "ignores-body",
  `export default { fetch: () => new Response("did not look") };`,
);

async function echoes(context: CaseContext, body: Buffer): Promise<void> {
  const instance = await context.start(bytesEcho);
  assert.deepEqual((await context.ok(instance, { body })).body(), body);
}

interface RequestDescription {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function described(
  context: CaseContext,
  request: { method?: string; path?: string; headers?: readonly string[] },
): Promise<RequestDescription> {
  const instance = await context.start(describeRequest);
  return (await context.ok(instance, request)).json() as RequestDescription;
}

export const serveCases: readonly DriverCase[] = [
  {
    name: "a JSON body comes back as it was sent",
    isShared: true,
    knob: "corrupt_body",
    async run(context) {
      const instance = await context.start(jsonEcho);
      const sent = { name: "Reactor", nested: [1, null, { deep: true }] };
      const answer = await context.ok(instance, {
        headers: ["content-type", "application/json"],
        body: JSON.stringify(sent),
      });
      assert.deepEqual(answer.json(), sent);
      assert.match(answer.header("content-type")[0] ?? "", /^application\/json/);
    },
  },
  {
    name: "binary bodies of all byte values pass unchanged both ways",
    isShared: true,
    knob: "corrupt_request",
    run: (context) => echoes(context, Buffer.from(Array.from({ length: 1024 }, (_, i) => i & 255))),
  },
  {
    name: "a body of 300 KB, over the stream's window, passes unchanged both ways",
    isShared: true,
    knob: "corrupt_body",
    run: (context) => echoes(context, Buffer.alloc(300_000, "0123456789abcdef-")),
  },
  {
    name: "text beyond Latin-1 passes unchanged both ways",
    isShared: true,
    knob: "corrupt_body",
    run: (context) => echoes(context, Buffer.from("héllo wörld, 你好, 🚀")),
  },
  {
    name: "an empty 200 has a head, no data and an end",
    isShared: true,
    knob: "corrupt_body",
    async run(context) {
      const instance = await context.start(respond);
      const answer = await context.ok(instance);
      assert.equal(answer.bytes, 0);
      assert.deepEqual(answer.events, ["head", "end"]);
    },
  },
  {
    name: "a 204 keeps its status and has no body",
    isShared: true,
    knob: "wrong_status",
    async run(context) {
      const instance = await context.start(respond);
      const answer = await context.fetch(instance, { path: "/?status=204", method: "GET" });
      assert.equal(answer.status, 204);
      assert.equal(answer.bytes, 0);
    },
  },
  {
    name: "statuses such as 302 and 418 pass with their headers",
    isShared: true,
    knob: "wrong_status",
    async run(context) {
      const instance = await context.start(respond);
      const path = "/?status=302&header=location:/elsewhere";
      const moved = await context.fetch(instance, { path, method: "GET" });
      assert.equal(moved.status, 302);
      assert.deepEqual(moved.header("location"), ["/elsewhere"]);
      assert.equal((await context.fetch(instance, { path: "/?status=418" })).status, 418);
    },
  },
  {
    name: "many Set-Cookie headers stay apart",
    isShared: true,
    knob: "joined_cookies",
    async run(context) {
      const instance = await context.start(respond);
      const cookies = Array.from({ length: 20 }, (_, i) => `c${i}=v${i}; Path=/; Max-Age=1`);
      const query = new URLSearchParams(
        cookies.map((cookie) => ["header", `set-cookie:${cookie}`]),
      );
      const answer = await context.ok(instance, { path: `/?${query}` });
      assert.deepEqual(answer.header("set-cookie"), cookies);
    },
  },
  {
    name: "HEAD gets the headers of the response and no body",
    isShared: true,
    knob: "body_on_head",
    async run(context) {
      const instance = await context.start(respond);
      const path = "/?body=not+sent&header=x-kind:head";
      const answer = await context.ok(instance, { method: "HEAD", path });
      assert.deepEqual(answer.header("x-kind"), ["head"]);
      assert.equal(answer.bytes, 0);
    },
  },
  {
    name: "request headers reach the handler, Latin-1 values and repeated names included",
    isShared: true,
    knob: "lost_headers",
    async run(context) {
      const headers = ["x-plain", "a b", "x-latin", "caf\u00e9", "x-many", "1", "x-many", "2"];
      const seen = await described(context, { headers });
      assert.equal(seen.headers["x-plain"], "a b");
      assert.equal(seen.headers["x-latin"], "caf\u00e9");
      assert.equal(seen.headers["x-many"], "1, 2");
    },
  },
  {
    name: "Latin-1 header values of the response reach the sink",
    isShared: true,
    knob: "lost_headers",
    async run(context) {
      const instance = await context.start(describeRequest);
      const seen = await context.ok(instance, { headers: ["x-echo", "na\u00efve"] });
      const body = seen.json() as RequestDescription;
      assert.equal(body.headers["x-echo"], "na\u00efve");
      const second = await context.start(respond);
      const answer = await context.ok(second, { path: "/?header=x-back:na%C3%AFve" });
      assert.deepEqual(answer.header("x-back"), ["na\u00efve"]);
    },
  },
  {
    name: "method, path and query string reach the handler verbatim",
    isShared: true,
    knob: "mangled_url",
    async run(context) {
      const path = "/a%20b/c?x=1&x=2&empty=&enc=%26%3D%2F&plus=a+b";
      const seen = await described(context, { method: "PATCH", path });
      assert.equal(seen.method, "PATCH");
      assert.equal(seen.url, `http://suite.example${path}`);
    },
  },
  {
    name: "8 requests run in parallel in one instance",
    isShared: true,
    knob: "one_at_a_time",
    async run(context) {
      const instance = await context.start(barrier);
      const calls = Array.from({ length: 8 }, (_, id) =>
        context.ok(instance, { path: `/?n=8&id=${id}` }),
      );
      const texts = (await Promise.all(calls)).map((answer) => answer.text());
      assert.deepEqual(texts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    },
  },
  {
    name: "many requests, 32 at a time, each get their own answer",
    isShared: true,
    knob: "crash_after",
    async run(context) {
      const instance = await context.start(bytesEcho);
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < context.manyRequests) {
          const body = `body ${next++}`;
          const answer = context.call(instance, { body });
          await context.within(
            answer.until(() => answer.isDone),
            "an answer",
          );
          assert.equal(answer.text(), body);
        }
      };
      await Promise.all(Array.from({ length: 32 }, worker));
    },
  },
  {
    name: "an answer is complete although the handler never reads the request body",
    isShared: true,
    knob: "buffered_request",
    async run(context) {
      const instance = await context.start(ignoresBody);
      const answer = context.call(instance, { body: "first", complete: false });
      await context.done(answer);
      assert.equal(answer.text(), "did not look");
      // What the client still sends has nobody to go to and must harm nobody.
      answer.stream.write(Buffer.from("more"));
      answer.stream.end();
      assert.equal((await context.ok(instance, { body: "x" })).text(), "did not look");
    },
  },
  {
    name: "the sink hears the head once",
    isShared: true,
    knob: "double_head",
    async run(context) {
      const instance = await context.start(respond);
      const answer = await context.ok(instance, { path: "/?body=once" });
      assert.deepEqual(answer.events, ["head", "data", "end"]);
    },
  },
  {
    name: "the sink hears nothing after its last call",
    isShared: true,
    knob: "data_after_end",
    async run(context) {
      const instance = await context.start(respond);
      const answer = await context.ok(instance, { path: "/?body=last" });
      await context.rounds(instance, 3);
      answer.assertOrder();
      assert.equal(answer.text(), "last");
    },
  },
];
