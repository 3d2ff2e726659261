import { expect } from "bun:test";
import type { RouteRow } from "./route-row.ts";

const time = "2026-11-21T10:00:00.000Z";

/** The row of `runPlayground`. */
export const playgroundRow: RouteRow = {
  id: "runPlayground",
  method: "POST",
  path: "/playground/run",
  body: { runtime: "typescript", files: { "index.ts": "x" }, event: { a: 1 } },
  command: "playground.run",
  input: {
    project: "default",
    runtime: "bun",
    isolation: undefined,
    files: new Map([["index.ts", new Uint8Array([120])]]),
    env: {},
    secrets: {},
    call: {
      method: "POST",
      url: "http://playground.localhost/",
      headers: expect.arrayContaining(["content-type", "application/json", "X-Request-Id"]),
      body: Buffer.from('{"a":1}'),
    },
    requestId: expect.stringMatching(/^req_/),
    signal: expect.any(AbortSignal),
  },
  answer: {
    status: 200,
    headers: [{ name: "content-type", value: "text/plain" }],
    body: "hi",
    prepare_ms: 1.23,
    logs: [{ at: time, level: "info", source: "log", message: "said" }],
    error: null,
  },
  wrong: { body: { files: {}, more: 1 }, pointer: "/more" },
};
