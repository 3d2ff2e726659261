import { describe, expect, test } from "bun:test";
import type { LogLineResource } from "../../../client/resources.ts";
import { fakeLogLine } from "../../fake-resources.ts";
import { createFakeServer, type FakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const path = "GET /api/v1/functions/hello/logs";

function event(line: LogLineResource): string {
  return `id: ${line.seq}\nevent: log\ndata: ${JSON.stringify(line)}\n\n`;
}

function server(
  stored: readonly LogLineResource[],
  followed: readonly LogLineResource[] = [],
): FakeServer {
  return createFakeServer({
    [path]: (request) => {
      if (!new URL(request.url).searchParams.has("follow")) return Response.json({ items: stored });
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const line of followed) controller.enqueue(Buffer.from(event(line)));
          request.signal.addEventListener("abort", () => controller.error(request.signal.reason));
        },
      });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    },
  });
}

describe("reactor functions logs", () => {
  test("prints time, level, message and request id", async () => {
    const lines = [
      fakeLogLine({ level: "warn", message: "slow" }),
      fakeLogLine({ source: "stdout", request_id: null }),
    ];
    const { code, stdout } = await runInTerminal(["functions", "logs", "hello"], {
      server: server(lines),
    });
    expect(code).toBe(0);
    expect(stdout).toBe(
      "2026-11-21T01:02:03.456Z warn  slow  req_1\n2026-11-21T01:02:03.456Z info  [stdout] hi\n",
    );
  });

  test("strips escape sequences and indents further lines, so that no message can pass for another entry", async () => {
    const message = "\u001b[2J\u001b]0;owned\u0007one\r\n2026-11-21T01:02:03Z error forged";
    const target = server([fakeLogLine({ message })]);
    const { stdout } = await runInTerminal(["logs", "hello"], { server: target });
    expect(stdout).not.toMatch(/[\p{Cc}--[\t\n]]/v);
    expect(stdout.split("\n")[1]).toStartWith("    2026-11-21T01:02:03Z error forged");
  });

  test("--raw prints messages as they are", async () => {
    const target = server([fakeLogLine({ message: "\u001b[31mred" })]);
    expect((await runInTerminal(["logs", "hello", "--raw"], { server: target })).stdout).toContain(
      "\u001b[31mred",
    );
  });

  test("--json prints one line of JSON per entry", async () => {
    const target = server([fakeLogLine(), fakeLogLine({ seq: 2 })]);
    const { stdout } = await runInTerminal(["logs", "hello", "--json"], { server: target });
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).seq),
    ).toEqual([1, 2]);
  });

  test("filters reach the server", async () => {
    const target = server([]);
    const argv = [
      "logs",
      "hello",
      "--limit",
      "5",
      "--level",
      "error",
      "--level",
      "warn",
      "--request",
      "req_9",
      "--since",
      "10m",
    ];
    expect((await runInTerminal(argv, { server: target })).code).toBe(0);
    const query = new URLSearchParams(target.requests[0]?.line.split("?")[1]);
    expect(query.get("limit")).toBe("5");
    expect(query.get("request_id")).toBe("req_9");
    // The virtual clock stands at 1,700,000,000,000 ms.
    expect(new Date(query.get("since") ?? "").getTime()).toBe(1_700_000_000_000 - 600_000);
    expect(target.requests[0]?.line).toMatch(/error.*warn/);
  });

  test.each([
    ["--since", "yesterday"],
    ["--since", "10x"],
    ["--limit", "0"],
    ["--level", "loud"],
  ])("%s %s exits with 2", async (flag, value) => {
    expect((await runInTerminal(["logs", "hello", flag, value], { server: server([]) })).code).toBe(
      2,
    );
  });

  test("--follow goes on after the last stored line and Ctrl-C exits with 0", async () => {
    const interrupt = new AbortController();
    const target = server(
      [fakeLogLine({ seq: 7, message: "stored" })],
      [fakeLogLine({ seq: 8, message: "fresh" })],
    );
    const { code, stdout, stderr } = await runInTerminal(
      ["functions", "logs", "hello", "--follow"],
      {
        server: target,
        signal: interrupt.signal,
        onOutput: (text) => {
          if (text.includes("fresh")) interrupt.abort(new Error("SIGINT"));
          return undefined;
        },
      },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/stored.*\n.*fresh/);
    expect(target.requests[1]?.headers.get("last-event-id")).toBe("7");
  });

  test("a closed output ends the command quietly with 0", async () => {
    const target = server([], [fakeLogLine({ seq: 1 }), fakeLogLine({ seq: 2 })]);
    const { code, stderr } = await runInTerminal(["logs", "hello", "-f"], {
      server: target,
      onOutput: () => new Error("write EPIPE"),
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});
