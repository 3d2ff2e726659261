import { loadBuiltin } from "./load-builtin.ts";

/** Says why a datagram cannot leave, where the system says `ENETUNREACH`. */
export function datagramRefusal(host: unknown, port: unknown): Error {
  const message = `Cannot send to ${String(host)} port ${String(port)}: datagrams (UDP) have no way out of the sandbox; use TCP or HTTP, and dns.lookup for names`;
  return Object.assign(new Error(message), { code: "egress_unsupported" });
}

/** Whether a host is the sandbox's own loopback, where datagrams arrive. */
export function isOwnLoopback(host: unknown): boolean {
  return (
    host === undefined ||
    host === "" ||
    host === "localhost" ||
    host === "::1" ||
    (typeof host === "string" && /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/.test(host))
  );
}

/** Makes sockets of node:dgram fail with a reason when a datagram is for anybody but the sandbox itself. */
export function refuseDatagrams(): void {
  const { Socket } = loadBuiltin("node:dgram");
  const prototype: object = Socket.prototype;
  for (const name of ["send", "connect"] as const) {
    const platform: unknown = Reflect.get(prototype, name);
    if (typeof platform !== "function") throw new Error(`node:dgram has no ${name} to watch`);
    Reflect.set(prototype, name, function (this: NodeJS.EventEmitter, ...args: unknown[]) {
      // The message may be text too.
      const rest = name === "send" ? args.slice(1) : args;
      const host = rest.find((each) => typeof each === "string");
      if (isOwnLoopback(host)) return Reflect.apply(platform, this, args);
      const error = datagramRefusal(
        host,
        rest.findLast((each) => typeof each === "number"),
      );
      const done = args.at(-1);
      if (typeof done === "function") process.nextTick(done, error);
      else process.nextTick(() => this.emit("error", error));
      return undefined;
    });
  }
}
