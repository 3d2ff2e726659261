import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
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

describe("request ids", () => {
  test("of the caller are kept when well formed, else made", async () => {
    const kept = await get("/api/v1/health", { "X-Request-Id": "abc-1.2:3_x" });
    expect(kept.headers.get("x-request-id")).toBe("abc-1.2:3_x");
    for (const bad of ["a b", "x".repeat(129), "<script>"]) {
      const made = await get("/api/v1/health", { "X-Request-Id": bad });
      expect(made.headers.get("x-request-id")).toMatch(/^req_[0-9a-z]{26}$/);
    }
  });
});

describe("malformed requests", () => {
  test("get the envelope too", async () => {
    for (const host of ["bad host", "a/b", "user@localhost", "[::1"]) {
      const answer = await rawRequest(server.port, [
        `GET /api/v1/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      ]);
      expect(answer).toMatch(/^HTTP\/1\.1 (400|403) /);
      expect(answer.toLowerCase()).not.toContain('"status":"ok"');
    }
  });

  test("with an absolute target that is not their Host are refused, and judged by their Host otherwise", async () => {
    const ask = (target: string): Promise<string> =>
      rawRequest(server.port, [
        `GET http://${target}/api/v1/health HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n`,
      ]);
    expect(await ask("localhost")).toStartWith("HTTP/1.1 400");
    expect(await ask("evil.test")).toStartWith("HTTP/1.1 403");
  });
});

describe("hosts", () => {
  test("are loopback names, configured names, and the address the request came in on", async () => {
    for (const host of [
      "localhost",
      "LOCALHOST:1234",
      "127.0.0.1",
      "[::1]:80",
      "reactor.example.com",
      "reactor.example.com.:443",
    ]) {
      expect((await get("/api/v1/health", { Host: host })).status).toBe(200);
    }
    for (const host of [
      "evil.test",
      "localhost.evil.test",
      "reactor.example.com.evil.test",
      "127.0.0.1.nip.io",
      "10.0.0.1",
      "hello.localhost",
    ]) {
      const error = await failure(await get("/api/v1/health", { Host: host }));
      expect(error).toMatchObject({ status: 403, code: "permission_denied", details: { host } });
    }
  });
});

describe("origins", () => {
  test("must be this server's own, to the port", async () => {
    const own = { ...key, Host: "reactor.example.com" };
    const accepted = ["http://reactor.example.com", "https://reactor.example.com:80"];
    expect((await get("/api/v1/functions", { ...own, Origin: accepted[0] ?? "" })).status).toBe(
      200,
    );
    for (const origin of [
      "null",
      "http://reactor.example.com:8081",
      "https://reactor.example.com.evil.test",
      "http://localhost",
      "chrome-extension://abc",
      "nonsense",
    ]) {
      const response = await get("/api/v1/functions", { ...own, Origin: origin });
      expect(await failure(response)).toMatchObject({ status: 403, code: "permission_denied" });
    }
  });

  test("of a link that is followed do not matter for reading, but do for changing", async () => {
    const link = { ...key, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate" };
    expect((await get("/api/v1/functions", link)).status).toBe(200);
    expect((await post("/api/v1/functions/hello/restore", null, link)).status).toBe(403);
    const fetched = { ...link, "Sec-Fetch-Mode": "no-cors" };
    expect((await get("/api/v1/functions", fetched)).status).toBe(403);
  });
});

describe("keys", () => {
  test("are taken from X-Reactor-Key before Authorization", async () => {
    const both = { "X-Reactor-Key": adminKey, Authorization: "Basic dTpw" };
    expect((await get("/api/v1/functions", both)).status).toBe(200);
    const basic = await failure(await get("/api/v1/functions", { Authorization: "Basic dTpw" }));
    expect(basic).toMatchObject({ status: 401, code: "auth_required" });
  });

  test("that are unknown are refused, and after 20 in a minute the address waits", async () => {
    const clock = createVirtualClock();
    await using guarded = await startAdminServer(control, { clock });
    const attempt = (credential: string): Promise<Response> =>
      fetch(`${guarded.url}/api/v1/functions`, {
        headers: { Authorization: `Bearer ${credential}` },
      });
    for (let i = 0; i < 20; i++) {
      expect(await failure(await attempt(`rk_guess${i}`))).toMatchObject({
        status: 401,
        code: "auth_required",
      });
    }
    const limited = await attempt("rk_guess20");
    expect(limited.headers.get("retry-after")).toBe("60");
    expect(await failure(limited)).toMatchObject({ status: 429, code: "too_many_requests" });
    // A right guess must look no different, or the limit would only hide wrong ones.
    expect((await attempt(adminKey)).status).toBe(429);
    await clock.advance(60_000);
    expect((await attempt(adminKey)).status).toBe(200);
  });
});

describe("dev mode", () => {
  test("takes a request without a key on loopback as an administrator's", async () => {
    await using dev = await startAdminServer(control, { mode: "dev" });
    expect((await fetch(`${dev.url}/api/v1/functions`)).status).toBe(200);
    expect(control.calls[0]?.caller).toMatchObject({ id: "dev", scopes: ["*"] });
    const wrong = { headers: { Authorization: "Bearer rk_wrong" } };
    expect((await fetch(`${dev.url}/api/v1/functions`, wrong)).status).toBe(401);
  });

  test("still asks for a known Host and the own Origin", async () => {
    await using dev = await startAdminServer(control, { mode: "dev" });
    for (const headers of [{ Host: "evil.test" }, { Origin: "http://evil.test" }]) {
      const response = await fetch(`${dev.url}/api/v1/functions`, { headers });
      expect(response.status).toBe(403);
    }
  });

  test("asks for a key beyond loopback", async () => {
    await using dev = await startAdminServer(control, {
      mode: "dev",
      clientAddress: () => "192.0.2.7",
    });
    expect((await fetch(`${dev.url}/api/v1/functions`)).status).toBe(401);
  });
});
