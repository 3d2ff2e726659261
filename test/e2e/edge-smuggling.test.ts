import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type RawExchange, rawExchange } from "./raw-http.ts";
import { startServer, type TestServer } from "./reactor.ts";
import {
  bodies,
  type Build,
  clear,
  type Destination,
  heads,
  trailers,
} from "./smuggling-corpus.ts";
import { invokeWay, routeWay, type WayIn, waysToFunction } from "./ways-in.ts";

/**
 * One client request is at most one request to an instance, on every way in. The function tells what
 * it got; an answer too many tells of a request that was seen where none is.
 */
let server: TestServer;

const counting = `const seen = [];
export default {
  async fetch(request) {
    const { pathname, search } = new URL(request.url);
    if (pathname === "/seen") return Response.json(seen);
    seen.push(request.method + " " + pathname + search);
    const body = await request.text();
    return new Response(request.method + " " + body.length);
  },
};`;

beforeAll(async () => {
  server = await startServer();
  await server.deploy("counting", counting, {
    concurrency: { max_instances: 1 },
    route: "/:row/:part",
    method: "ANY",
  });
  await server.client.setAlias("counting", "beta", [{ revision: 1, weight: 100 }]);
});

afterAll(async () => {
  await server.stop();
});

/** Paths below the row that the function got. */
async function seenBy(rows: Iterable<string>): Promise<ReadonlyMap<string, readonly string[]>> {
  const seen = (await (await server.fetch("/fn/v1/counting/seen")).json()) as string[];
  return new Map(
    [...rows].map((row) => [
      row,
      seen.flatMap((line) => {
        const [method, path] = line.split(/ \/\??/);
        return path?.startsWith(`${row}/`) === true
          ? [`${method} ${path.slice(row.length + 1)}`]
          : [];
      }),
    ]),
  );
}

type Place = (row: string) => Destination;

const onFunction = ({ host, prefix }: WayIn): Place => {
  return (row) => ({
    host,
    first: `${prefix}/${row}/first`,
    lines: "",
    hidden: `GET ${prefix}/${row}/hidden HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  });
};

const ofWorker = "Content-Type: application/json\r\n";

const onInvoke = ({ host, prefix }: WayIn): Place => {
  return (row) => ({
    host,
    first: `${prefix}?${row}/first`,
    lines: ofWorker,
    hidden: `POST ${prefix}?${row}/hidden HTTP/1.1\r\nHost: ${host}\r\n${ofWorker}Content-Length: 2\r\n\r\n{}`,
  });
};

/** A change that the server would make if it could read it, and a request that anybody may send. */
const onServer = (path: string): Place => {
  return () => ({
    host: "127.0.0.1",
    first: path,
    lines: `${ofWorker}Authorization: Bearer ${server.key}\r\n`,
    hidden: `GET /api/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`,
  });
};

const functionPlaces = [...waysToFunction("counting"), routeWay].map(
  (way) => [way.name, onFunction(way)] as const,
);
const places: readonly (readonly [string, Place])[] = [
  ...functionPlaces,
  ["invoke", onInvoke(invokeWay("counting"))],
  ["admin API", onServer("/api/v1/functions")],
  ["admin API below /fn/v1/_admin", onServer("/fn/v1/_admin/functions")],
  ["worker API", onServer("/deploy")],
];

let runs = 0;

async function runAll(
  rows: Readonly<Record<string, Build>>,
  place: Place,
): Promise<readonly { what: string; outcome: RawExchange; seen: readonly string[] }[]> {
  const run = `r${++runs}`;
  const named = Object.entries(rows).map(([what, build], index) => ({
    what,
    row: `${run}-${index}`,
    build,
  }));
  const outcomes = await Promise.all(
    named.map(({ row, build }) => rawExchange(server.port, build(place(row)))),
  );
  const seen = await seenBy(named.map(({ row }) => row));
  return named.map(({ what, row }, index) => ({
    what,
    outcome: outcomes[index] ?? { answers: [], closed: false },
    seen: seen.get(row) ?? [],
  }));
}

function summary(outcome: RawExchange): string {
  const statuses = outcome.answers.map(({ status }) => status).join(" ");
  return `${statuses} ${outcome.closed ? "closed" : "open"}`;
}

describe.each(places)("on the way in by %s", (_, place) => {
  test("a head that is ambiguous is answered with one 400, reaches no function, and the connection closes", async () => {
    const wrong = (await runAll(heads, place)).flatMap(({ what, outcome, seen }) => {
      const found = summary(outcome);
      return found === "400 closed" && seen.length === 0 ? [] : [{ what, found, seen }];
    });
    expect(wrong).toEqual([]);
  }, 20_000);

  test("a body that is ambiguous ends its request and its connection, and nothing behind it is a request", async () => {
    const wrong = (await runAll(bodies, place)).flatMap(({ what, outcome, seen }) => {
      const found = summary(outcome);
      const once = seen.length === 0 || (seen.length === 1 && seen[0] === "POST first");
      return found === "400 closed" && once ? [] : [{ what, found, seen }];
    });
    expect(wrong).toEqual([]);
  }, 20_000);
});

describe.each(functionPlaces)("on the way to a function by %s", (_, place) => {
  test("a trailer is refused or dropped: it never changes its request or the next", async () => {
    for (const [what, build] of Object.entries(trailers)) {
      const row = `t${++runs}`;
      const outcome = await rawExchange(server.port, build(place(row)), { answers: 2 });
      const found = outcome.answers.map(({ status, body: text }) =>
        status === 200 ? text : String(status),
      );
      const seen = (await seenBy([row])).get(row) ?? [];
      const refused = found.join() === "400" && outcome.closed && !seen.includes("GET hidden");
      const dropped = found.join() === "POST 1,GET 0" && seen.join() === "POST first,GET hidden";
      expect({ what, found, seen, right: refused || dropped }).toMatchObject({ what, right: true });
    }
  });

  test("what means one thing is as many requests as it is, whole or byte by byte", async () => {
    for (const [what, { build, texts, seen }] of Object.entries(clear)) {
      for (const split of [(text: string) => [text], (text: string) => text.split("")]) {
        const row = `c${++runs}`;
        const bytes = split(build(place(row)));
        const outcome = await rawExchange(server.port, bytes, { answers: texts.length });
        const told = outcome.answers.map(({ status, body }, at) =>
          status === 200 && body.startsWith(texts[at] ?? "none") ? texts[at] : `${status} ${body}`,
        );
        expect({ what, told }).toEqual({ what, told: [...texts] });
        expect((await seenBy([row])).get(row)).toHaveLength(seen);
      }
    }
  });
});
