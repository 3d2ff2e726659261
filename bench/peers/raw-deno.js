// Raw `Deno.serve` running the benchmark's handler. argv: port.
import echo from "../handlers/echo.ts";

const { Deno } = globalThis;
Deno.serve(
  { port: Number(Deno.args[0]), hostname: "127.0.0.1", onListen: () => console.log("ready") },
  (request) => echo.fetch(request),
);
