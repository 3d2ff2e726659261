import type { Behaviour } from "./behaviours.ts";
import { collect } from "./stream-behaviours.ts";

async function echoed(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  return [response.status, response.type, response.redirected, await response.json()];
}

function socket(origin: string): Promise<unknown> {
  const opened = new WebSocket(`${origin.replace("http", "ws")}/socket`, ["probe"]);
  const heard: unknown[] = [];
  return new Promise((resolve, reject) => {
    opened.binaryType = "arraybuffer";
    opened.addEventListener("open", () => {
      heard.push(opened.protocol, opened.extensions);
      opened.send("text");
      opened.send(new Uint8Array([1, 2]));
    });
    opened.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      heard.push(typeof data === "string" ? data : [...new Uint8Array(data)]);
      if (heard.length === 4) opened.close(4001, "done");
    });
    opened.addEventListener("close", ({ code, reason, wasClean }) =>
      resolve([...heard, code, reason, wasClean]),
    );
    opened.addEventListener("error", ({ type }) => reject(new Error(`the socket failed: ${type}`)));
  });
}

function eventSource(origin: string): Promise<unknown> | string {
  if (!("EventSource" in globalThis)) return "none";
  const source = new EventSource(`${origin}/events`);
  return new Promise((resolve, reject) => {
    source.addEventListener("tick", (event) => {
      source.close();
      resolve([event.type, event.data, event.lastEventId]);
    });
    source.addEventListener("error", () => {
      source.close();
      reject(new Error("the source failed"));
    });
  });
}

function byHttp(origin: string): Promise<unknown> {
  return import("node:http").then(
    ({ get }) =>
      new Promise((resolve, reject) => {
        const request = get(`${origin}/echo?by=http`, (response) => {
          let text = "";
          response.on("data", (chunk) => (text += String(chunk)));
          response.on("end", () => resolve([response.statusCode, text]));
        });
        request.on("error", reject);
      }),
  );
}

function byNet(origin: string): Promise<unknown> {
  const { hostname, port } = new URL(origin);
  return import("node:net").then(
    ({ connect }) =>
      new Promise((resolve, reject) => {
        const opened = connect({ host: hostname, port: Number(port) });
        let text = "";
        opened.on("connect", () => opened.write("GET /plain HTTP/1.0\r\n\r\n"));
        opened.on("data", (chunk) => (text += String(chunk)));
        opened.on("error", reject);
        opened.on("close", () => resolve(text.split("\r\n\r\n")[1]));
      }),
  );
}

/** Reaches a server of its own on loopback. */
async function ownServer(): Promise<unknown> {
  const { createServer } = await import("node:http");
  const server = createServer((_, response) => response.end("its own"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    return [response.status, response.ok ? await response.text() : "refused"];
  } finally {
    server.close();
  }
}

/** What reaches an origin that is open to it. */
export function network(origin: string): Record<string, Behaviour> {
  return {
    "fetch GET": () => echoed(`${origin}/echo?a=1`, { headers: { "x-own": "1" } }),
    "fetch POST": () => echoed(`${origin}/echo`, { method: "POST", body: "text" }),
    "fetch of a form": () =>
      echoed(`${origin}/echo`, { method: "POST", body: new URLSearchParams({ a: "ü" }) }),
    "fetch that is redirected": () => echoed(`${origin}/redirect`),
    "fetch that follows no redirect": async () => {
      const { status, type, headers } = await fetch(`${origin}/redirect`, { redirect: "manual" });
      return [status, type, headers.get("location")];
    },
    "fetch of something packed": async () => {
      const response = await fetch(`${origin}/packed`);
      return [(await response.text()).length, response.headers.get("content-encoding")];
    },
    "fetch of a stream": async () => {
      const { body } = await fetch(`${origin}/stream`);
      return Buffer.concat(await collect(body as ReadableStream<Uint8Array>)).toString();
    },
    "fetch with a stream": () => {
      const body = new Blob(["streamed"]).stream();
      return echoed(`${origin}/echo`, { method: "POST", body, duplex: "half" } as RequestInit);
    },
    "fetch that is aborted": () => fetch(`${origin}/never`, { signal: AbortSignal.timeout(20) }),
    "fetch of data": async () => (await fetch("data:text/plain,hi")).text(),
    "fetch of an unknown scheme": () => fetch("nope://x"),
    WebSocket: () => ("WebSocket" in globalThis ? socket(origin) : "none"),
    EventSource: () => eventSource(origin),
    "node:http": () => byHttp(origin),
    "node:net": () => byNet(origin),
    "a server of its own": ownServer,
  };
}
