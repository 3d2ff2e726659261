import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createFakeServer, errorResponse } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const root = await mkdtemp(path.join(tmpdir(), "reactor-invoke-"));
afterAll(() => rm(root, { recursive: true, force: true }));

const headers = {
  "x-reactor-function": "hello@3",
  "x-reactor-cold-start": "true",
  "x-reactor-duration-ms": "4.2",
};
const hello = () =>
  createFakeServer({
    "GET /fn/v1/hello": () => new Response("plain", { headers }),
    "POST /fn/v1/hello": () => Response.json({ message: "Hello, Reactor!" }, { headers }),
    "PUT /fn/v1/hello@staging/items": () => new Response(null, { status: 204 }),
    "POST /fn/v1/broken": () => errorResponse(500, "function_error", "it threw"),
    "GET /fn/v1/lost": () => new Response("its own 404", { status: 404, headers }),
    "GET /fn/v1/binary": () => new Response(Buffer.from([0xff, 0x00])),
  });

describe("reactor functions invoke", () => {
  test("--json is the request body, as the source types it", async () => {
    const server = hello();
    const argv = ["functions", "invoke", "hello", "--json", '{"name":"Reactor"}'];
    const { code, stdout, stderr } = await runInTerminal(argv, { server });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '{"message":"Hello, Reactor!"}',
      stderr: "",
    });
    const [request] = server.requests;
    expect(request?.line).toBe("POST /fn/v1/hello");
    expect(request?.body.toString()).toBe('{"name":"Reactor"}');
    expect(request?.headers.get("content-type")).toBe("application/json");
  });

  test("without a body it is a GET", async () => {
    const server = hello();
    expect((await runInTerminal(["invoke", "hello"], { server })).stdout).toBe("plain");
    expect(server.requests[0]?.line).toBe("GET /fn/v1/hello");
  });

  test("method, path, alias and headers are sent as given", async () => {
    const server = hello();
    const argv = [
      "functions",
      "invoke",
      "hello@staging",
      "--method",
      "put",
      "--path",
      "/items?x=1",
    ];
    const { code } = await runInTerminal(
      [...argv, "-H", "X-One: 1", "--header", "x-two:2", "--data", "text"],
      { server },
    );
    expect(code).toBe(0);
    const [request] = server.requests;
    expect(request?.line).toBe("PUT /fn/v1/hello@staging/items?x=1");
    expect([request?.headers.get("x-one"), request?.headers.get("x-two")]).toEqual(["1", "2"]);
    expect(request?.body.toString()).toBe("text");
  });

  test("--payload takes a file and stdin as well, and still must be JSON", async () => {
    await writeFile(path.join(root, "body.json"), '{"from":"a file"}');
    const target = hello();
    const options = { server: target, cwd: root };
    await runInTerminal(["invoke", "hello", "--payload", "@body.json"], options);
    await runInTerminal(["invoke", "hello", "--payload", "-"], { ...options, stdin: '{"from":1}' });
    expect(target.requests.map(({ body }) => body.toString())).toEqual([
      '{"from":"a file"}',
      '{"from":1}',
    ]);
    expect(target.requests[1]?.headers.get("content-type")).toBe("application/json");
    const wrong = await runInTerminal(["invoke", "hello", "--payload", "-"], {
      ...options,
      stdin: "no JSON",
    });
    expect([wrong.code, wrong.stderr.includes("not JSON")]).toEqual([2, true]);
    const absent = await runInTerminal(["invoke", "hello", "--payload", "@nope"], options);
    expect([absent.code, absent.stderr.includes("which --payload names")]).toEqual([1, true]);
  });

  test("--data takes a file and stdin", async () => {
    const file = path.join(root, "photo.jpg");
    await writeFile(file, Buffer.from([1, 2, 255]));
    const server = hello();
    await runInTerminal(["invoke", "hello", "--data", "@photo.jpg"], { server, cwd: root });
    await runInTerminal(["invoke", "hello", "--data", "-"], { server, stdin: "from stdin" });
    expect([...(server.requests[0]?.body ?? [])]).toEqual([1, 2, 255]);
    expect(server.requests[1]?.body.toString()).toBe("from stdin");
  });

  test("a status of 400 and more prints the body and exits with 1", async () => {
    const { code, stdout } = await runInTerminal(["invoke", "broken", "--json", "{}"], {
      server: hello(),
    });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error.code).toBe("function_error");
  });

  test("where there is no such function the next command to try is said", async () => {
    const none = await runInTerminal(["invoke", "nobody"], { server: hello() });
    expect(none.code).toBe(1);
    expect(JSON.parse(none.stdout).error.code).toBe("route_not_found");
    expect(none.stderr).toBe("  try: reactor functions list\n");
    const alias = await runInTerminal(["invoke", "nobody@beta"], { server: hello() });
    expect(alias.stderr).toBe("  try: reactor aliases list nobody\n");
    const revision = await runInTerminal(["invoke", "nobody@7"], { server: hello() });
    expect(revision.stderr).toBe("  try: reactor functions deployments list nobody\n");
    const found = await runInTerminal(["invoke", "lost"], { server: hello() });
    expect(found.code).toBe(1);
    expect(found.stderr).toBe("");
  });

  test("--include prints the head first, and a terminal sees what served it", async () => {
    const { stdout } = await runInTerminal(["invoke", "hello", "-i"], { server: hello() });
    expect(stdout).toStartWith("HTTP 200");
    expect(stdout).toContain("x-reactor-function: hello@3");
    expect(stdout).toEndWith("\n\nplain");
    const onTerminal = await runInTerminal(["invoke", "hello"], { server: hello(), tty: true });
    expect(onTerminal.stdout).toBe("plain\n");
    expect(onTerminal.stderr).toContain("200 hello@3 cold 4.2 ms");
  });

  test("--output json wraps the answer, binary bodies in base64", async () => {
    const text = await runInTerminal(["invoke", "hello", "--output", "json"], { server: hello() });
    expect(JSON.parse(text.stdout)).toMatchObject({ status: 200, body: "plain" });
    const binary = await runInTerminal(["invoke", "binary", "--output", "json"], {
      server: hello(),
    });
    expect(JSON.parse(binary.stdout)).toMatchObject({ status: 200, body_base64: "/wA=" });
  });

  test.each([
    ["a body that is not JSON", ["--json", "{name:1}"], "The value of --json is not JSON"],
    ["a payload that is not JSON", ["--payload", "{"], "The value of --payload is not JSON"],
    ["two bodies", ["--json", "{}", "--data", "x"], "two bodies"],
    ["json and payload", ["--json", "{}", "--payload", "{}"], "two bodies"],
    ["payload and data", ["--payload", "{}", "--data", "x"], "--payload and --data are two bodies"],
    ["a header without colon", ["-H", "nonsense"], 'must look like "name: value"'],
    ["a header with a line break", ["-H", "a: b\r\nc: d"], 'must look like "name: value"'],
    ["a method that is none", ["--method", "G ET"], "as a method"],
  ])("%s exits with 2 before anything is sent", async (_, more, message) => {
    const server = hello();
    const { code, stderr } = await runInTerminal(["invoke", "hello", ...more], { server });
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(server.requests).toEqual([]);
  });

  test.each(["@staging", "hello@", "a@b@c"])("the name %s exits with 2", async (name) => {
    expect((await runInTerminal(["invoke", name], { server: hello() })).code).toBe(2);
  });

  test("a file that is not there is named", async () => {
    const { code, stderr } = await runInTerminal(["invoke", "hello", "--data", "@none"], {
      server: hello(),
      cwd: root,
    });
    expect(code).toBe(1);
    expect(stderr).toContain(path.join(root, "none"));
  });
});
