import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createVirtualClock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { systemCaller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";
import { type AdminServer, startAdminServer } from "./testing/admin-server.ts";
import { rawRequest } from "./testing/raw-request.ts";
import {
  adminKey,
  createRecordingControl,
  type RecordingControl,
} from "./testing/recording-control.ts";

let control: RecordingControl;
let server: AdminServer;
beforeEach(async () => {
  control = createRecordingControl();
  server = await startAdminServer(control);
});
afterEach(() => server[Symbol.asyncDispose]());

const key = { Authorization: `Bearer ${adminKey}` };
const json = { ...key, "Content-Type": "application/json" };

interface Envelope {
  error: { code: string; message: string; details: Record<string, unknown>; request_id: string };
}

async function failure(response: Response): Promise<Envelope["error"] & { status: number }> {
  const { error }: Envelope = await response.json();
  return { ...error, status: response.status };
}

function get(path: string, headers: Record<string, string> = key): Promise<Response> {
  return fetch(server.url + path, { headers });
}

function post(path: string, body: BodyInit | null, headers: Record<string, string> = json) {
  return fetch(server.url + path, { method: "POST", body, headers });
}

describe("paths", () => {
  test("an unknown path is route_not_found, also without a key", async () => {
    for (const path of [
      "/api/v1/nothing",
      "/api/v1/functions/a/b/c",
      "/api/v1/functions/",
      "/api",
    ]) {
      expect(await failure(await get(path, {}))).toMatchObject({
        status: 404,
        code: "route_not_found",
      });
    }
    // The Reactor family's mount has what is below `functions` and nothing else.
    expect((await get("/fn/v1/_admin/keys")).status).toBe(404);
  });

  test("a known path with another method is method_not_allowed and names the methods", async () => {
    const response = await fetch(`${server.url}/api/v1/functions/hello/env/A`, {
      method: "POST",
      headers: key,
    });
    expect(response.headers.get("allow")).toBe("DELETE, PUT");
    expect(await failure(response)).toMatchObject({ status: 405, code: "method_not_allowed" });
    const preflight = await fetch(`${server.url}/api/v1/functions`, { method: "OPTIONS" });
    expect(preflight.status).toBe(405);
    expect(preflight.headers.get("allow")).toBe("GET, HEAD, POST");
  });

  test("a name is decoded once", async () => {
    await get("/api/v1/functions/a%252Fb");
    expect(control.calls[0]?.input).toEqual({ project: "default", function: "a%2Fb" });
  });

  test("HEAD answers with the head of GET", async () => {
    const response = await fetch(`${server.url}/api/v1/functions`, {
      method: "HEAD",
      headers: key,
    });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });
});

describe("projects", () => {
  test("come from the query or the header, and both must agree", async () => {
    await get("/api/v1/functions/hello?project=shop");
    await get("/api/v1/functions/hello", { ...key, "X-Reactor-Project": "shop" });
    expect(control.calls.map(({ input }) => input)).toEqual([
      { project: "shop", function: "hello" },
      { project: "shop", function: "hello" },
    ]);
    const both = await get("/api/v1/functions?project=a", { ...key, "X-Reactor-Project": "b" });
    expect(await failure(both)).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test("of a malformed name, and `*` where one project is meant, are refused", async () => {
    for (const project of ["A", "*", "..", "a".repeat(40)]) {
      const response = await get(`/api/v1/functions?project=${encodeURIComponent(project)}`);
      expect(await failure(response)).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });
});

describe("queries", () => {
  test("with an unknown, doubled or empty parameter are refused by name", async () => {
    const cases = [
      ["/api/v1/functions?limt=3", "/limt"],
      ["/api/v1/functions?limit=3&limit=4", "/limit"],
      ["/api/v1/functions?limit=", "/limit"],
      ["/api/v1/functions?limit=501", "/limit"],
      ["/api/v1/functions?limit=x", "/limit"],
      ["/api/v1/functions/hello/logs?level=fatal", "/level"],
      ["/api/v1/functions/hello/logs?since=yesterday", "/since"],
      ["/api/v1/functions/hello/logs?follow=true&limit=3", "/limit"],
    ] as const;
    for (const [path, pointer] of cases) {
      const error = await failure(await get(path));
      expect(error).toMatchObject({ status: 400, code: "invalid_request", details: { pointer } });
    }
    expect(control.calls).toEqual([]);
  });
});

describe("bodies", () => {
  test("that are no JSON are invalid_request", async () => {
    for (const body of ["{", "", "nul", new Uint8Array([0x22, 0xff, 0x22])]) {
      const error = await failure(await post("/api/v1/functions", body));
      expect(error).toMatchObject({ status: 400, code: "invalid_request" });
    }
  });

  test("of another content type are unsupported_media_type", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/zip"]) {
      const response = await post("/api/v1/functions", "{}", { ...key, "Content-Type": type });
      expect(await failure(response)).toMatchObject({
        status: 415,
        code: "unsupported_media_type",
        details: { accepted: ["application/json"] },
      });
    }
    const untyped = await post("/api/v1/functions", new Uint8Array([0x7b, 0x7d]), key);
    expect(untyped.status).toBe(415);
  });

  test("that try to reach a prototype are refused and reach none", async () => {
    for (const [path, body] of [
      ["functions", '{"name":"hello","__proto__":{"polluted":1}}'],
      ["functions", '{"name":"hello","constructor":{"prototype":{"polluted":1}}}'],
      // A schema of free keys would leave it out in silence.
      [
        "playground/run",
        '{"runtime":"bun","files":{"index.ts":"x"},"env":{"__proto__":"polluted"}}',
      ],
      [
        "playground/run",
        '{"runtime":"bun","files":{"index.ts":"x"},"env":{"\\u005f_proto__":"polluted"}}',
      ],
    ] as const) {
      const { status } = await post(`/api/v1/${path}`, body);
      expect({ body, status }).toEqual({ body, status: 400 });
    }
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  test("over the cap are payload_too_large, by their length and while they come", async () => {
    const head =
      "POST /api/v1/functions HTTP/1.1\r\nHost: localhost\r\n" +
      `Authorization: Bearer ${adminKey}\r\nContent-Type: application/json\r\n`;
    const declared = await rawRequest(server.port, [`${head}Content-Length: 99999999\r\n\r\n{`]);
    expect(declared).toStartWith("HTTP/1.1 413");
    expect(declared).toContain("payload_too_large");

    const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
    const pieces = Array.from({ length: 32 }, () => chunk);
    const streamed = await rawRequest(server.port, [
      `${head}Transfer-Encoding: chunked\r\n\r\n`,
      ...pieces,
    ]);
    expect(streamed).toStartWith("HTTP/1.1 413");
    expect(streamed).toContain("1048576 bytes");
    expect(control.calls).toEqual([]);
  });

  test("that stop arriving are given up", async () => {
    const clock = createVirtualClock();
    await using slow = await startAdminServer(control, { clock, limits: { bodyIdleMs: 1000 } });
    const answer = rawRequest(slow.port, [
      "POST /api/v1/functions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
        `Authorization: Bearer ${adminKey}\r\nContent-Type: application/json\r\n` +
        "Content-Length: 100\r\n\r\n{",
    ]);
    let text: string | undefined;
    while (text === undefined) {
      await clock.advance(500);
      text = await Promise.race([answer, systemClock.sleep(1).then(() => undefined)]);
    }
    expect(text).toContain("nothing came for 1000 ms");
  });
});

describe("uploads", () => {
  const path = "/api/v1/functions/hello/deployments";

  test("of every archive type reach control as they are", async () => {
    for (const type of [
      "application/zip",
      "application/gzip",
      "application/x-tar",
      "application/octet-stream",
    ]) {
      control.calls.length = 0;
      const response = await post(path, new Uint8Array([1, 2, 3]), {
        ...key,
        "Content-Type": type,
        "X-Reactor-Bundle-Sha256": "AB".repeat(32),
      });
      expect(response.status).toBe(201);
      expect(control.calls[0]?.input).toMatchObject({
        upload: { kind: "archive", bytes: Uint8Array.of(1, 2, 3) },
        bundleSha256: "ab".repeat(32),
        promote: false,
        createFunction: false,
      });
    }
  });

  test("over bundle_max_bytes are bundle_too_large before they have come whole", async () => {
    const big = new Uint8Array(400_000);
    const response = await post(path, big, { ...key, "Content-Type": "application/zip" });
    expect(await failure(response)).toMatchObject({
      status: 413,
      code: "bundle_too_large",
      details: { limit_bytes: 100_000 + 64 * 1024 },
    });
    expect(control.calls).toEqual([]);
  });

  test("that are empty, of a wrong type, with a bad digest or bad base64 are refused", async () => {
    const zip = { ...key, "Content-Type": "application/zip" };
    const cases = [
      [await post(path, null, zip), 400, "bundle_invalid"],
      [
        await post(path, "x", { ...key, "Content-Type": "text/plain" }),
        415,
        "unsupported_media_type",
      ],
      [await post(path, "x", { ...zip, "X-Reactor-Bundle-Sha256": "no" }), 400, "bundle_invalid"],
      [await post(path, '{"files":{"a":{"base64":"*"}}}'), 400, "bundle_invalid"],
      [await post(path, '{"files":{"a":{"hex":"00"}}}'), 400, "invalid_request"],
      [await post(`${path}?promote=yes`, "x", zip), 400, "invalid_request"],
    ] as const;
    for (const [response, status, code] of cases) {
      expect(await failure(response)).toMatchObject({ status, code });
    }
    expect(control.calls).toEqual([]);
  });

  test("that name a file twice are refused, however the name is spelled", async () => {
    for (const [body, pointer] of [
      ['{"files":{"a.ts":"x","b.ts":"y","a.ts":"z"}}', "/files/a.ts"],
      [String.raw`{"files":{"lib/a.ts":"x","lib\u002fa.ts":"z"}}`, "/files/lib~1a.ts"],
      ['{"files":{"a.ts":{"base64":"eA==","base64":"eQ=="}}}', "/files/a.ts/base64"],
      ['{"files":{"a.ts":"x"},"files":{"a.ts":"y"}}', "/files"],
    ] as const) {
      expect(await failure(await post(path, body))).toMatchObject({
        status: 400,
        code: "bundle_invalid",
        details: { pointer },
      });
    }
    expect(control.calls).toEqual([]);
  });

  test("that nest deeper than any bundle are refused", async () => {
    const response = await post(path, `{"files":${"[".repeat(100_000)}`);
    expect(await failure(response)).toMatchObject({ status: 400, code: "bundle_invalid" });
    expect(control.calls).toEqual([]);
  });

  test("with a file named __proto__ are refused rather than shortened", async () => {
    const response = await post(path, '{"files":{"__proto__":"x","a":"y"}}');
    expect(await failure(response)).toMatchObject({
      status: 400,
      code: "bundle_invalid",
      details: { path: "__proto__" },
    });
    expect(control.calls).toEqual([]);
  });
});

describe("failures of control", () => {
  test("keep code, details and Retry-After", async () => {
    control.failNext(
      new ReactorError("deployment_not_ready", "Cannot promote: still materializing", {
        details: { state: "materializing" },
        retryAfterSecs: 2,
      }),
    );
    const response = await post("/api/v1/functions/hello/promote", null, key);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await failure(response)).toMatchObject({
      status: 503,
      code: "deployment_not_ready",
      details: { state: "materializing" },
    });
  });

  test("that are bugs are logged under the request id and told without their text", async () => {
    const logged: unknown[] = [];
    const drop = (): void => {};
    const log: Log = {
      debug: drop,
      info: drop,
      warn: drop,
      error: (message, fields) => logged.push({ message, fields }),
      child: () => log,
    };
    await using other = await startAdminServer(control, { log });
    control.failNext(new Error("password=hunter2"));
    const response = await fetch(`${other.url}/api/v1/functions`, {
      headers: { ...key, "X-Request-Id": "mine-1" },
    });
    const text = await response.text();
    expect(response.status).toBe(500);
    expect(text).toContain('"code":"internal_error"');
    expect(text).not.toContain("hunter2");
    expect(JSON.stringify(logged)).toContain("hunter2");
    expect(JSON.stringify(logged)).toContain("mine-1");
  });
});

describe("isolation tiers", () => {
  const json = async (path: string): Promise<Record<string, unknown>> => (await get(path)).json();

  test("are on every function with what its promoted deployment demands, in lists too", async () => {
    const shown = { tier: { level: 1, name: "sandbox" }, min_tier: 1 };
    expect(await json("/api/v1/functions/hello")).toMatchObject(shown);
    expect(await json("/api/v1/functions")).toMatchObject({ items: [shown] });
  });

  test("are on every deployment and runtime", async () => {
    const tier = { level: 1, name: "sandbox" };
    const path = "/api/v1/functions/hello/deployments";
    expect(await json(path)).toMatchObject({ items: [{ tier, manifest: { min_tier: null } }] });
    expect(await json(`${path}/7`)).toMatchObject({ tier });
    expect(await json("/api/v1/system")).toMatchObject({
      runtimes: [{ tier: 1, tier_name: "sandbox" }],
    });
  });

  test("are in the view of what a function's instances do", async () => {
    const runtime = await json("/api/v1/functions/hello/runtime");
    expect(runtime).toMatchObject({ tier: { level: 1, name: "sandbox" }, min_tier: 1 });
  });

  test("are null where this server cannot run the function", async () => {
    const ref = { project: "default", function: "x" };
    const view = await control.execute("functions.get", ref, systemCaller);
    control.answer("functions.get", () => ({ ...view, runtime: "wasm", isolation: "wasm" }));
    expect(await json("/api/v1/functions/x")).toMatchObject({ tier: null });
  });
});
