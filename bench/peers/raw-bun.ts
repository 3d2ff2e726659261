/** Raw `Bun.serve` running the benchmark's handler. argv: port, or a Unix socket path. */
import echo from "../handlers/echo.ts";

const where = process.argv[2] ?? "0";
const server = where.startsWith("/")
  ? Bun.serve({ unix: where, fetch: (request) => echo.fetch(request) })
  : Bun.serve({
      port: Number(where),
      hostname: "127.0.0.1",
      fetch: (request) => echo.fetch(request),
    });
console.log(`ready ${server.url}`);
