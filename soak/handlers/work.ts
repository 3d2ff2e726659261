/** The function of the load scenario: one way of using a request or an answer per path. */
const period = 251;

/** Bytes that a client can make again from the length alone; swapped or lost pieces show. */
function pattern(bytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: bytes }, (_, i) => i % period);
}

async function digestOf(bytes: ArrayBuffer): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex");
}

function streamOf(bytes: number, piece: number): ReadableStream<Uint8Array> {
  const whole = pattern(bytes);
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      if (at >= bytes) return controller.close();
      // Every few pieces the source is slow, so that pauses are relayed too.
      if (at % (piece * 8) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(whole.subarray(at, at + piece));
      at += piece;
    },
  });
}

function events(count: number): ReadableStream<string> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      if (next === count) return controller.close();
      await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(`id: ${next}\ndata: {"n":${next}}\n\n`);
      next += 1;
    },
  });
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    const number = (name: string): number => Number(searchParams.get(name));
    switch (pathname) {
      case "/digest": {
        const body = await request.arrayBuffer();
        return Response.json({ bytes: body.byteLength, sha256: await digestOf(body) });
      }
      case "/echo":
        return new Response(request.body);
      case "/stream":
        return new Response(streamOf(number("bytes"), number("piece")));
      case "/events":
        return new Response(events(number("count")), {
          headers: { "content-type": "text/event-stream" },
        });
      case "/throw":
        throw new Error("as asked");
      case "/wait":
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return new Response("nobody reads this");
      default:
        return new Response("ok");
    }
  },
};
