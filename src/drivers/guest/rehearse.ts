import { FrameWriter } from "../../wire/frame-writer.ts";
import { frameFlag, frameType, protocolVersion } from "../../wire/frames.ts";
import type { GuestOptions } from "./guest-options.ts";
import type { ConfigureMessage } from "./messages.ts";

/** Does what most functions do: reads a header and its JSON, and answers with JSON. */
const source = `export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  const type = request.headers.get("content-type");
  return Response.json({ pathname, type, body: await request.json() });
} };`;

const configure: ConfigureMessage = {
  functionName: "",
  functionId: "",
  deploymentId: "",
  revision: 0,
  entrypoint: "",
  reaches: [],
  env: {},
  secrets: {},
  limits: { memoryMb: 0, timeoutMs: 0, bodyOutBytesMax: 0 },
  dev: false,
  clone: true,
};

const head = {
  invocationId: "inv_0",
  requestId: "req_0",
  method: "POST",
  url: "http://localhost/",
  deadlineMs: 0,
  caller: "",
  headers: ["content-type", "application/json"],
};

/**
 * Has a second guest in the same process take a function and answer a request, over a connection that
 * leads nowhere: what is done for the first time costs a process 2 ms and an emulated machine some
 * tenths of a second, which a cold start then need not pay. For a guest that has no function yet; nothing
 * that a function could see is left. Stops when `isWanted` says that the guest got its function.
 */
export async function rehearse(
  { platform, clock, endOfTurn }: GuestOptions,
  parts: {
    readonly create: (options: GuestOptions) => { receive(chunk: Buffer): void };
    readonly isWanted: () => boolean;
  },
): Promise<void> {
  const imported: ReturnType<typeof platform.importModule>[] = [];
  const guest = parts.create({
    isRehearsal: true,
    clock,
    platform: {
      ...platform,
      importModule(code, reaches) {
        const importing = platform.importModule(code, reaches);
        imported.push(importing);
        return importing;
      },
      exit() {},
    },
    sink: { write: () => true, queuedBytes: 0, onceEmpty() {} },
    endOfTurn: queueMicrotask,
  });
  const host = new FrameWriter({
    sink: {
      write(bytes) {
        guest.receive(bytes);
        return true;
      },
    },
    endOfTurn() {},
  });
  const turn = (): Promise<void> => new Promise((resolve) => endOfTurn(resolve));
  host.frame(frameType.hello, 0, 0, Buffer.from(JSON.stringify({ version: protocolVersion })));
  host.frame(frameType.configure, 0, 0, configurePayload());
  host.flush();
  for (const { url, exports } of imported) {
    await exports;
    platform.forgetModule?.(url);
  }
  await turn();
  if (!parts.isWanted()) return;
  host.headFrame(frameType.request, frameFlag.end, 1, head, Buffer.from('{"warm":true}'));
  host.flush();
  await turn();
  if (parts.isWanted()) platform.rest?.();
}

function configurePayload(): Buffer {
  const json = Buffer.from(JSON.stringify(configure));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([length, json, Buffer.from(source)]);
}
