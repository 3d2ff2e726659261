import type { Behaviour } from "./behaviours.ts";

const textOf = (stream: ReadableStream): Promise<string> => new Response(stream).text();
/** Every chunk of a stream; not every Node has Array.fromAsync. */
export async function collect<Chunk>(stream: ReadableStream<Chunk>): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const packed = (format: CompressionFormat): Promise<string> =>
  textOf(
    new Blob(["packed ".repeat(100)])
      .stream()
      .pipeThrough(new CompressionStream(format))
      .pipeThrough(new DecompressionStream(format)),
  );

async function form(): Promise<unknown> {
  const sent = new FormData();
  sent.append("file", new File(["x"], "a.css", { type: "text/css", lastModified: 1 }));
  sent.append("text", "ü");
  const got = await new Response(sent).formData();
  const file = got.get("file") as File;
  return [file.name, file.type, await file.text(), got.get("text"), [...got.keys()]];
}

/** Streams, bodies, events and everything that passes messages. */
export const streams: Readonly<Record<string, Behaviour>> = {
  "streams pipe": async () => {
    const upper = new TransformStream<string, string>({
      transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
    });
    const source = new ReadableStream<string>({
      start(controller) {
        controller.enqueue("a");
        controller.enqueue("b");
        controller.close();
      },
    });
    return collect(source.pipeThrough(upper));
  },
  "streams tee": async () => {
    const [one, two] = new Blob(["twice"]).stream().tee();
    return [await textOf(one), await textOf(two)];
  },
  "streams of bytes": async () => {
    const source = new ReadableStream({
      type: "bytes",
      pull(controller) {
        controller.enqueue(new Uint8Array([1, 2, 3]));
        controller.close();
      },
    });
    const { value } = await source.getReader({ mode: "byob" }).read(new Uint8Array(2));
    return [...(value ?? [])];
  },
  "streams of text": async () => {
    const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
    return (await collect(new Blob(["ü", "€"]).stream().pipeThrough(decoder))).join("");
  },
  "compression gzip": () => packed("gzip"),
  "compression deflate": () => packed("deflate"),
  "compression deflate-raw": () => packed("deflate-raw"),
  "compression of node": async () => {
    const { brotliCompressSync, brotliDecompressSync, gzipSync, gunzipSync } = await import(
      "node:zlib"
    );
    return [
      brotliDecompressSync(brotliCompressSync("b")).toString(),
      gunzipSync(gzipSync("g")).toString(),
    ];
  },
  FormData: form,
  Blob: async () => {
    const blob = new Blob(["ab", new Uint8Array([99])], { type: "text/plain" });
    return [
      blob.size,
      blob.type,
      await blob.slice(1, 3).text(),
      (await blob.arrayBuffer()).byteLength,
    ];
  },
  "Blob by its address": async () => {
    const address = URL.createObjectURL(new Blob(["by address"]));
    return (await fetch(address)).text();
  },
  Headers: () => {
    const headers = new Headers([
      ["set-cookie", "a=1"],
      ["Set-Cookie", "b=2"],
      ["x", " y "],
    ]);
    return [[...headers], headers.getSetCookie()];
  },
  Request: async () => {
    const request = new Request("http://x.test/", {
      method: "POST",
      body: new URLSearchParams({ a: "1" }),
    });
    return [request.headers.get("content-type"), await request.clone().text(), request.method];
  },
  Response: async () => [
    Response.redirect("http://x.test/", 307).status,
    await Response.json({ a: 1 }).json(),
    Response.error().type,
    new Response(null, { status: 204 }).body,
  ],
  events: () => {
    const target = new EventTarget();
    const heard: string[] = [];
    target.addEventListener("ping", ({ type }) => heard.push(type), { once: true });
    target.dispatchEvent(new Event("ping"));
    target.dispatchEvent(new CustomEvent("ping", { detail: 1 }));
    return heard;
  },
  AbortSignal: async () => {
    const timed = await new Promise((resolve) => {
      const signal = AbortSignal.timeout(5);
      signal.addEventListener("abort", () => resolve((signal.reason as Error).name));
    });
    const any = AbortSignal.any([
      AbortSignal.abort(new Error("why")),
      new AbortController().signal,
    ]);
    return [timed, (any.reason as Error).message];
  },
  MessageChannel: async () => {
    const { port1, port2 } = new MessageChannel();
    const heard = new Promise((resolve) => {
      port2.addEventListener("message", ({ data }) => resolve(data), { once: true });
      port2.start();
    });
    port1.postMessage({ sent: [1] });
    const message = await heard;
    port1.close();
    return message;
  },
  BroadcastChannel: async () => {
    const [one, two] = [new BroadcastChannel("probe"), new BroadcastChannel("probe")];
    const heard = new Promise((resolve) => {
      two.addEventListener("message", (event) => resolve(Reflect.get(event, "data")), {
        once: true,
      });
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- channels know no origins
    one.postMessage("to all");
    const message = await heard;
    one.close();
    two.close();
    return message;
  },
  timers: async () => {
    const order: string[] = [];
    setTimeout(() => order.push("timeout"), 0);
    queueMicrotask(() => order.push("microtask"));
    await new Promise<void>((resolve) => {
      let turns = 0;
      const interval = setInterval(() => {
        if (++turns < 3) return;
        clearInterval(interval);
        resolve();
      }, 2);
    });
    return order;
  },
};
