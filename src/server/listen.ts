import type { Server } from "node:http";
import { ReactorError } from "../domain/errors.ts";
import type { Address } from "./config/setting.ts";

/** Listens and resolves with the URL, the real port in it; `conflict` when the address is taken. */
export async function listen(server: Server, { host, port }: Address): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException): void =>
      reject(listenFailure(host, port, cause));
    server.once("error", onError);
    server.listen(port, host, () => {
      server.off("error", onError);
      resolve();
    });
  });
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
}

function listenFailure(host: string, port: number, cause: NodeJS.ErrnoException): ReactorError {
  const why =
    cause.code === "EADDRINUSE"
      ? "another process is using it; stop that one, or choose another with --listen"
      : cause.code === "EACCES"
        ? "this user may not; choose a port from 1024 on with --listen"
        : cause.message;
  return new ReactorError("conflict", `Cannot listen on ${host}:${port}: ${why}`, { cause });
}
