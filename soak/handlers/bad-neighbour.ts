/** Harms its surroundings in the way that the path names. */
import { spawn } from "node:child_process";
import { openSync, rmSync, writeFileSync } from "node:fs";

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

/** Memory of the runtime's own, which it must look through again and again. */
async function growHeap(): Promise<never> {
  const objects: object[] = [];
  for (;;) {
    for (let n = 0; n < 50_000; n++) objects.push({ n, text: `${n}`, next: objects.at(-1) });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Runs scripts for as long as the query says, then ends with everything that they started. */
async function runFor(seconds: number, script: string, everyMs: number): Promise<never> {
  let refused = 0;
  const start = (): void => {
    const child = spawn("/bin/sh", ["-c", script], { stdio: "ignore" });
    // No process more; the next turn tries again.
    child.on("error", () => (refused += 1));
  };
  start();
  setInterval(start, everyMs);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  process.exit(refused > 0 ? 2 : 1);
}

function leakDescriptors(): Response {
  let opened = 0;
  try {
    for (;;) {
      openSync("/dev/null", "r");
      opened += 1;
    }
  } catch (error) {
    return Response.json({ opened, error: String(error) });
  }
}

/** Fills its temporary folder up to the last byte, and does it again. */
function fillTmp(): Response {
  const piece = Buffer.alloc(4 * 1024 * 1024, 120);
  let files = 0;
  try {
    for (;;) {
      writeFileSync(`/tmp/${files}`, piece);
      files += 1;
    }
  } catch (error) {
    for (let n = 0; n <= files; n++) rmSync(`/tmp/${n}`, { force: true });
    return Response.json({ files, error: String(error) });
  }
}

/** Sends for ever, as fast as it is taken. */
function stream(): Response {
  const piece = new Uint8Array(64 * 1024).fill(120);
  return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) }));
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
      case "/heap":
        return growHeap();
      case "/fork":
        return runFor(
          Number(searchParams.get("seconds")),
          "bomb() { bomb | bomb & sleep 9; }; bomb",
          10,
        );
      case "/busy":
        return runFor(
          Number(searchParams.get("seconds")),
          "for n in 1 2 3 4 5 6 7 8; do while :; do :; done & done",
          60_000,
        );
      case "/descriptors":
        return leakDescriptors();
      case "/fill":
        return fillTmp();
      case "/stream":
        return stream();
      case "/headers":
        return new Response("x", { headers: { "x-huge": "x".repeat(1024 * 1024) } });
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
