import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { GuestHarness } from "../guest/guest.harness.ts";

const routes: Readonly<Record<string, string>> = {
  "a literal import()": 'await import("node:net")',
  "an import() of a computed name": 'await import(["node", "net"].join(":"))',
  "process.getBuiltinModule": 'process.getBuiltinModule("node" + ":net")',
  "import.meta.require": 'import.meta.require("n" + "et")',
  "new Function": "await new Function(\"return import('no' + 'de:net')\")()",
};

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

function refuse(stream: WireStream): StreamListener {
  stream.json(frameType.opened, { error: { code: "egress_denied", message: "denied" } });
  stream.close();
  const ignore = (): void => {};
  return { data: ignore, end: ignore, cancelled: ignore, drained: ignore, closed: ignore };
}

test.each(Object.entries(routes))("node:net by %s connects through the host", async (_, route) => {
  const opened: string[] = [];
  const code = `export default { async fetch() {
    const net = ${route};
    return new Promise((resolve) => {
      net.connect(4321, "origin.test").on("error", (error) => resolve(new Response(error.code)));
    });
  } };`;
  await using guest = await GuestHarness.start(code, {
    proxyPort: await freePort(),
    onOpen(stream, { host, port }) {
      opened.push(`${host}:${port}`);
      return refuse(stream);
    },
  });
  expect(await guest.text()).toBe("egress_denied");
  expect(opened).toEqual(["origin.test:4321"]);
});

test("process.stdout and process.stderr are captured by any name and way of writing", async () => {
  const code = `
    import { stdout } from "node:process";
    import { Readable } from "node:stream";
    import { pipeline } from "node:stream/promises";
    export default { async fetch() {
      stdout.write("named\\n");
      process["std" + "out"].write("computed\\n");
      new console.Console(process).log("console of process");
      await new Promise((resolve) => Readable.from(["piped\\n"]).pipe(process.stdout, { end: false }).on("unpipe", resolve));
      await pipeline(Readable.from(["ended\\n"]), process.stderr);
      process.stderr.write("after the end\\n");
      const same = stdout === process.stdout && console._stdout === process.stdout;
      return Response.json([process.stdout.fd, process.stderr.fd, same, Object.keys(process).includes("stdout")]);
    } };`;
  await using guest = await GuestHarness.start(code);
  const exchange = guest.request();
  expect(await exchange.text()).toBe("[1,2,true,true]");
  expect(exchange.lines.map(({ source, text }) => `${source} ${text}`)).toEqual([
    "stdout named",
    "stdout computed",
    "stdout console of process",
    "stdout piped",
    "stderr ended",
    "stderr after the end",
  ]);
});
