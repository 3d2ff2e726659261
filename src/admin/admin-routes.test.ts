import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type AdminServer, startAdminServer } from "./testing/admin-server.ts";
import {
  adminKey,
  createRecordingControl,
  narrowKey,
  type RecordingControl,
} from "./testing/recording-control.ts";
import { operations } from "./operations.ts";
import type { RouteRow } from "./testing/route-row.ts";
import { routeRows } from "./testing/route-rows.ts";

const openIds = ["getHealth", "getOpenApi"];

let control: RecordingControl;
let server: AdminServer;
beforeAll(async () => {
  control = createRecordingControl();
  server = await startAdminServer(control);
});
afterAll(() => server[Symbol.asyncDispose]());

function send(
  row: RouteRow,
  headers: Record<string, string>,
  prefix = "/api/v1",
): Promise<Response> {
  return fetch(`${server.url}${prefix}${row.path}`, {
    method: row.method,
    headers: {
      ...(row.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(row.body === undefined ? {} : { body: JSON.stringify(row.body) }),
  });
}

const key = { Authorization: `Bearer ${adminKey}` };

interface Envelope {
  error: { code: string; status: number; request_id: string; details: Record<string, unknown> };
}

/** The answer is a failure as every failure must be; returns it. */
async function expectFailure(response: Response, status: number, code: string) {
  const { error }: Envelope = await response.json();
  expect({ status: response.status, code: error.code }).toEqual({ status, code });
  expect(error.status).toBe(status);
  expect(error.request_id).toBe(response.headers.get("x-request-id") ?? "none");
  expectEdgeHeaders(response);
  return error;
}

function expectEdgeHeaders(response: Response): void {
  expect(response.headers.get("x-request-id")).toMatch(/^\S+$/);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(response.headers.get("cache-control")).toBe("no-store");
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
}

test("every operation has a row in this table", () => {
  expect(routeRows.map(({ id }) => id).sort()).toEqual(operations.map(({ id }) => id).sort());
});

describe.each(routeRows)("$id", (row) => {
  test("becomes its command and answers with the resource", async () => {
    control.calls.length = 0;
    const response = await send(row, key);
    const answer: unknown = await response.json();
    expect(response.status).toBe(row.status ?? 200);
    expect(answer).toMatchObject(row.answer as object);
    expectEdgeHeaders(response);
    expect(control.calls.map(({ name }) => name as string)).toEqual(
      row.command === undefined ? [] : [row.command],
    );
    if (row.command !== undefined) {
      expect(control.calls[0]?.input).toEqual(row.input);
      expect(control.calls[0]?.caller.id).toBe("key_admin");
    }
  });

  test("never shows what is internal or secret", async () => {
    const text = await (await send(row, key)).text();
    expect(text).not.toMatch(/must-not-leave|never-shown|internal-|undefined|AtMs/);
  });

  test("is refused without a key, and to a key without the scope", async () => {
    if (openIds.includes(row.id)) {
      expect((await send(row, {})).status).toBe(200);
      return;
    }
    const missing = await send(row, {});
    expect(missing.headers.get("www-authenticate")).toStartWith("Bearer");
    await expectFailure(missing, 401, "auth_required");
    await expectFailure(await send(row, { "X-Reactor-Key": narrowKey }), 403, "permission_denied");
  });

  test("is refused to a host that is not this server", async () => {
    await expectFailure(await send(row, { ...key, Host: "evil.test" }), 403, "permission_denied");
  });

  test("is refused to a page of another origin", async () => {
    const other = await send(row, { ...key, Origin: "http://evil.test" });
    await expectFailure(other, 403, "permission_denied");
    const sibling = await send(row, { ...key, "Sec-Fetch-Site": "same-site" });
    await expectFailure(sibling, 403, "permission_denied");
    const own = await send(row, { ...key, Origin: server.url, "Sec-Fetch-Site": "same-origin" });
    expect(own.status).toBe(row.status ?? 200);
  });

  if (row.wrong) {
    const { body, pointer } = row.wrong;
    test("refuses a wrong body and says where it is wrong", async () => {
      control.calls.length = 0;
      const response = await send({ ...row, body }, key);
      const { details } = await expectFailure(response, 400, "invalid_request");
      if (pointer !== "") expect(details["pointer"]).toBe(pointer);
      expect(control.calls).toEqual([]);
    });
  }

  if (row.path.startsWith("/functions")) {
    test("is also served where the Reactor family looks for it", async () => {
      const response = await send(row, key, "/fn/v1/_admin");
      expect(response.status).toBe(row.status ?? 200);
      expect(await response.json()).toMatchObject(row.answer as object);
    });
  }
});
