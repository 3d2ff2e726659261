import { expect, test } from "bun:test";
import { callJson, startFunction } from "../suite/call.harness.ts";
import { createTestDriver } from "./test-driver.harness.ts";
import { createTestWorkerDriver } from "./test-driver.harness.ts";

test.each([
  ["process", createTestDriver],
  ["worker", createTestWorkerDriver],
] as const)(
  "copies of a request that nothing of was read have its headers, body and signal (%s)",
  async (isolation, create) => {
    const made = create({ blanksMax: 0 });
    try {
      const instance = await startFunction(
        made.driver,
        `export default { async fetch(request) {
  const own = new AbortController();
  const copy = new Request(request, { signal: own.signal });
  const changed = new Request(copy, { headers: { "x-own": "1" } });
  own.abort();
  return Response.json([
    copy.headers.get("content-type"), await copy.text().catch(() => "used"), await changed.json(),
    changed.headers.get("x-own"), copy.signal.aborted, request.signal.aborted, Request.name, fetch.name,
    request instanceof Request, request.constructor === Request, Response.json([1], { status: 201 }).headers.get("content-type"),
  ]);
} };`,
        { isolation },
      );
      expect(await callJson(instance, { a: 1 })).toEqual([
        "application/json",
        "used",
        { a: 1 },
        "1",
        true,
        false,
        "Request",
        "fetch",
        true,
        true,
        "application/json",
      ]);
    } finally {
      await made.close();
    }
  },
);
