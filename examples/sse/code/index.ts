/** Server-sent events, one every `ms` milliseconds, `count` in all; ends when the client leaves. */
export default {
  fetch(request: Request): Response {
    const { searchParams } = new URL(request.url);
    const count = Number(searchParams.get("count") ?? 10);
    const ms = Number(searchParams.get("ms") ?? 200);
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        for (let i = 0; i < count && !request.signal.aborted; i++) {
          controller.enqueue(encoder.encode(`data: ${JSON.stringify({ chunk: i })}\n\n`));
          await new Promise((resolve) => setTimeout(resolve, ms));
        }
        if (!request.signal.aborted) controller.close();
      },
    });
    return new Response(stream, { headers: { "content-type": "text/event-stream" } });
  },
};
