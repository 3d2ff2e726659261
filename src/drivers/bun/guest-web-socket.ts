/** Makes `WebSocket` use the proxy, as `fetch` does by itself. A proxy that the function names stays. */
export function routeWebSocket(proxyPort: number): void {
  const proxy = `http://127.0.0.1:${proxyPort}`;
  const WebSocket: typeof globalThis.WebSocket = new Proxy(globalThis.WebSocket, {
    construct: (target, [url, options]: [unknown, unknown?], newTarget) =>
      Reflect.construct(
        target,
        [url, { proxy, ...socketOptions(options) }],
        newTarget === WebSocket ? target : newTarget,
      ),
  });
  Object.assign(globalThis, { WebSocket });
}

function socketOptions(options: unknown): object {
  if (typeof options === "string") return { protocols: [options] };
  if (Array.isArray(options)) return { protocols: options };
  return typeof options === "object" && options !== null ? options : {};
}
