/** Harms its surroundings in the way that the path names. */
const kept: Uint8Array[] = [];
const line = "x".repeat(1023);

/** Prints about 100 MB/s, if it is let, for as long as the query says. */
async function print(seconds: number): Promise<Response> {
  const until = performance.now() + seconds * 1000;
  let printed = 0;
  while (performance.now() < until) {
    for (let n = 0; n < 1000; n++) console.log(line);
    printed += 1000 * 1024;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return Response.json({ printed });
}

async function allocate(): Promise<never> {
  for (;;) {
    kept.push(new Uint8Array(8 * 1024 * 1024).fill(kept.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function swallow(request: Request): Promise<Response> {
  let bytes = 0;
  for await (const chunk of request.body ?? []) bytes += chunk.byteLength;
  return Response.json({ bytes });
}

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    switch (pathname) {
      case "/print":
        return print(Number(searchParams.get("seconds")));
      case "/allocate":
        return allocate();
      case "/exit":
        return process.exit(1);
      case "/spin":
        for (;;);
      case "/swallow":
        return swallow(request);
      default:
        return new Response("ok");
    }
  },
};
