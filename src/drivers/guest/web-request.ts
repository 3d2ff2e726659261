import type { RequestHead } from "../../wire/heads.ts";

/** Makes the Request that the handler sees. Repeated headers are joined as HTTP says. */
export function createWebRequest(
  head: RequestHead,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined,
  signal: AbortSignal,
): Request {
  const init: RequestInit & { duplex?: "half" } = {
    method: head.method,
    headers: headersOf(head.headers),
    signal,
  };
  if (body !== undefined) {
    init.body = body;
    if (body instanceof ReadableStream) init.duplex = "half";
  }
  const request = new Request(head.url, init);
  if (request.method !== head.method) {
    // Bun's Request turns methods that it does not know, such as REPORT, into GET.
    Object.defineProperty(request, "method", { value: head.method });
  }
  return request;
}

function headersOf(flat: readonly string[]): Headers {
  const headers = new Headers();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    headers.append(flat[i] as string, flat[i + 1] as string);
  }
  return headers;
}
