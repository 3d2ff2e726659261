import { ReactorError } from "../domain/errors.ts";
import type { HttpServer } from "../http/http-server.ts";
import type { Address } from "./config/setting.ts";

/** Listens and resolves with the URL, the real port in it; `conflict` when the address is taken. */
export async function listen(server: HttpServer, { host, port }: Address): Promise<string> {
  await server.listen(port, host).catch((cause: NodeJS.ErrnoException) => {
    throw listenFailure(host, port, cause);
  });
  const scheme = server.secure ? "https" : "http";
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${server.port}`;
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
