import { createDeferred } from "../../base/deferred.ts";
import type {
  SimulatedBehaviour,
  SimulatedModule,
  SimulatedRequest,
  SimulatedResponse,
} from "./behaviour.ts";
import { readAll } from "./behaviour.ts";
import { endBehaviours } from "./end-behaviours.ts";
import { logBehaviours } from "./log-behaviours.ts";

type Fetch = (request: SimulatedRequest) => unknown;

/** A module of shape 1 without state. */
const stateless =
  (fetch: Fetch): SimulatedBehaviour =>
  (): SimulatedModule => ({ shape: "fetch", fetch });

const never = new Promise<never>(() => {});
const blockBytes = 65_536;

const json = (value: unknown): SimulatedResponse => ({
  headers: ["content-type", "application/json"],
  body: JSON.stringify(value),
});

const text = (body: string): SimulatedResponse => ({
  headers: ["content-type", "text/plain;charset=UTF-8"],
  body,
});

async function* blocks(bytes: number): AsyncGenerator<Uint8Array, void, void> {
  const block = new Uint8Array(blockBytes).fill(120);
  for (let left = bytes; left > 0; left -= blockBytes) yield block.subarray(0, left);
}

async function countBytes(body: AsyncIterable<Uint8Array>): Promise<SimulatedResponse> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return text(String(bytes));
}

function asAsked({ url }: SimulatedRequest): SimulatedResponse {
  const headers = url.searchParams.getAll("header").flatMap((pair) => {
    const at = pair.indexOf(":");
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const body = url.searchParams.get("body");
  return {
    status: Number(url.searchParams.get("status") ?? 200),
    headers,
    ...(body !== null && { body }),
  };
}

function describeRequest({ head }: SimulatedRequest): SimulatedResponse {
  const headers: Record<string, string> = {};
  for (let at = 0; at + 1 < head.headers.length; at += 2) {
    const name = head.headers[at] ?? "";
    const value = head.headers[at + 1] ?? "";
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return json({ method: head.method, url: head.url, headers });
}

const barrier: SimulatedBehaviour = () => {
  const waiting: (() => void)[] = [];
  return {
    shape: "fetch",
    async fetch({ url }) {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (waiting.length === Number(url.searchParams.get("n"))) {
          for (const release of waiting) release();
        }
      });
      return text(url.searchParams.get("id") ?? "");
    },
  };
};

const holdBody: SimulatedBehaviour = () => {
  const released = createDeferred<void>();
  return {
    shape: "fetch",
    async fetch({ url, body }) {
      if (url.pathname === "/release") {
        released.resolve();
        return text("released");
      }
      await released.promise;
      return countBytes(body);
    },
  };
};

const events: SimulatedBehaviour = () => {
  const ticks: (string | null)[] = [];
  let ticked = createDeferred<void>();
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const tick = ticks.shift();
      if (tick === null) return;
      if (tick === undefined) {
        ticked = createDeferred<void>();
        await ticked.promise;
      } else {
        yield Buffer.from(`data: ${tick}\n\n`);
      }
    }
  }
  return {
    shape: "fetch",
    fetch({ url }) {
      if (url.pathname !== "/tick") {
        return { headers: ["content-type", "text/event-stream"], body: stream() };
      }
      ticks.push(url.searchParams.get("text"));
      ticked.resolve();
      return text("ticked");
    },
  };
};

const hang: SimulatedBehaviour = () => {
  const hung = createDeferred<void>();
  const aborted = createDeferred<string>();
  const stopped = createDeferred<void>();
  async function* endless(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) yield new Uint8Array(1024);
  }
  return {
    shape: "fetch",
    async fetch({ url, signal }) {
      switch (url.pathname) {
        case "/hung":
          await hung.promise;
          return text("hung");
        case "/aborted":
          return text(await aborted.promise);
        case "/stopped":
          await stopped.promise;
          return text("stopped");
        case "/endless":
          signal.addEventListener("abort", () => stopped.resolve());
          return { body: endless() };
        case "/hang":
          signal.addEventListener("abort", () => aborted.resolve("aborted"));
          hung.resolve();
          return never;
      }
      return text("alive");
    },
  };
};

async function* brokenBody(): AsyncGenerator<Uint8Array, void, void> {
  yield Buffer.from("part");
  throw new Error("planned body failure");
}

function fails({ url }: SimulatedRequest): unknown {
  switch (url.pathname) {
    case "/throws":
      throw new TypeError("planned failure");
    case "/throws-text":
      // oxlint-disable-next-line no-throw-literal -- the case is about a thrown text
      throw "just text";
    case "/nothing":
      return undefined;
    case "/number":
      return 42;
    case "/body":
      return { body: brokenBody() };
  }
  return text("alive");
}

const showEnv: SimulatedBehaviour = ({ env, secret }) => {
  const atImport = env["GREETING"];
  return {
    shape: "fetch",
    fetch() {
      let missing = "no error";
      try {
        missing = `value ${secret("NOT_THERE")}`;
      } catch (error) {
        missing = `error ${error instanceof Error ? error.message : String(error)}`;
      }
      return json({
        process: env,
        atImport,
        greeting: env["GREETING"],
        token: secret("TOKEN"),
        missing,
      });
    },
  };
};

/** How the simulated driver acts each scenario of the driver suite. */
export const suiteBehaviours: Readonly<Record<string, SimulatedBehaviour>> = {
  ...endBehaviours,
  ...logBehaviours,
  hello: stateless(() => text("hello")),
  "plain-function": () => ({
    shape: "function",
    fetch: ({ head }) => text(`plain ${head.method}`),
  }),
  "json-echo": stateless(async ({ body }) => json(JSON.parse((await readAll(body)).toString()))),
  "bytes-echo": stateless(async ({ body }) => ({ body: await readAll(body) })),
  respond: stateless(asAsked),
  "describe-request": stateless(describeRequest),
  barrier,
  "ignores-body": stateless(() => text("did not look")),
  "stream-echo": stateless(({ body }) => ({ body })),
  "count-body": stateless(({ body }) => countBytes(body)),
  "make-body": stateless(({ url }) => ({ body: blocks(Number(url.searchParams.get("bytes"))) })),
  "hold-body": holdBody,
  events,
  hang,
  fails: stateless(fails),
  "show-env": showEnv,
  "show-context": ({ context }) => ({ shape: "fetch", fetch: (request) => json(context(request)) }),
  stays: stateless(({ url }) => (url.pathname === "/waits" ? never : text("alive"))),
};
