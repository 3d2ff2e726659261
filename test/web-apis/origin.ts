import { gzipSync } from "node:zlib";

/** What probes fetch from: answers with what it was asked, in several ways. */
export function openOrigin(): { readonly origin: string; readonly close: () => Promise<void> } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    websocket: {
      message(socket, message) {
        socket.send(message);
      },
    },
    async fetch(request, own) {
      const { pathname, search } = new URL(request.url, "http://origin");
      switch (pathname) {
        case "/socket":
          return own.upgrade(request, { headers: { "sec-websocket-protocol": "probe" } })
            ? undefined
            : new Response("no upgrade", { status: 400 });
        case "/redirect":
          return Response.redirect("/echo?redirected", 302);
        case "/packed":
          return new Response(gzipSync("packed ".repeat(100)), {
            headers: { "content-encoding": "gzip" },
          });
        case "/stream":
          return new Response(pieces());
        case "/events":
          return new Response("id: 1\nevent: tick\ndata: hello\n\n", {
            headers: { "content-type": "text/event-stream" },
          });
        case "/never":
          return new Promise<Response>(() => undefined);
        case "/plain":
          return new Response("plain");
        default:
          return Response.json({
            method: request.method,
            asked: pathname + search,
            headers: [...request.headers]
              .filter(([name]) => name !== "host" && name !== "connection")
              .toSorted(([one], [other]) => (one < other ? -1 : 1)),
            body: await request.text(),
          });
      }
    },
  });
  return { origin: `http://127.0.0.1:${server.port}`, close: () => server.stop(true) };
}

function pieces(): ReadableStream<string> {
  const left = ["one ", "two ", "three"];
  return new ReadableStream({
    async pull(controller) {
      await Bun.sleep(1);
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    },
  });
}
