import { WireConnection } from "../../wire/connection.ts";
import { FrameWriter } from "../../wire/frame-writer.ts";
import { frameFlag, frameType } from "../../wire/frames.ts";
import { decodeRequestHead, splitHeadPayload } from "../../wire/heads.ts";
import { findHandler, type HandlerFunction } from "./handler-shapes.ts";
import { Invocation, type InvocationShared } from "./invocation.ts";
import { type ContextShared, createFunctionSecrets } from "./invocation-context.ts";
import { LogOutput } from "./log-output.ts";
import { logOwners } from "./log-scope.ts";
import type { ConfigureMessage } from "./messages.ts";

const configured: ConfigureMessage = {
  functionName: "",
  functionId: "",
  deploymentId: "",
  revision: 0,
  entrypoint: "",
  env: {},
  secrets: {},
  limits: { memoryMb: 0, timeoutMs: 0, bodyOutBytesMax: 0 },
  dev: false,
};

/** Does what most functions do: reads a header and its JSON, and answers with JSON. */
const handler: HandlerFunction = async (request) => {
  const { pathname } = new URL(request.url);
  const type = request.headers.get("content-type");
  return Response.json({ pathname, type, body: await request.json() });
};

/**
 * Imports a module of the guest's own and runs one request through everything that a request passes,
 * over a connection that leads nowhere: the first time costs 1.5 ms, which a cold start then need not
 * pay. For a guest that has no function yet; nothing that a function could see is left.
 */
export async function warmUp(parts: Pick<ContextShared, "platform" | "clock">): Promise<void> {
  serveOwnRequest(parts);
  await parts.platform.warmImport();
}

function serveOwnRequest(parts: Pick<ContextShared, "platform" | "clock">): void {
  const shared: Omit<InvocationShared, "output"> = {
    handler: findHandler({ default: { fetch: handler } }),
    module: { url: "", entrypoint: "" },
    context: {
      ...parts,
      configured,
      env: {},
      secrets: createFunctionSecrets(configured),
      call: () => Promise.reject(new Error("There is no platform while warming up")),
      waitUntil() {},
    },
    finished() {},
  };
  const connection = new WireConnection({
    role: "guest",
    sink: { write: () => true },
    payloadBytesMax: 64 * 1024,
    peerStreamsMax: 2,
    endOfTurn: queueMicrotask,
    listener: {
      frame() {},
      opened(stream, _type, payload) {
        const { head, body } = splitHeadPayload(payload);
        const output = new LogOutput({ writer: connection.writer, transport: idleTransport });
        const invocation = new Invocation({ ...shared, output }, stream, decodeRequestHead(head));
        logOwners.run(invocation, () => invocation.run(new Uint8Array(body)));
        return invocation;
      },
      closed() {},
    },
  });
  const host = new FrameWriter({
    sink: {
      write(bytes) {
        connection.receive(bytes);
        return true;
      },
    },
    endOfTurn() {},
  });
  const body = Buffer.from('{"warm":true}');
  host.headFrame(frameType.request, frameFlag.end, 1, head, body);
  host.flush();
}

const idleTransport = { queuedBytes: 0, onceEmpty() {} };

const head = {
  invocationId: "inv_0",
  requestId: "req_0",
  method: "POST",
  url: "http://localhost/",
  deadlineMs: 0,
  caller: "",
  headers: ["content-type", "application/json"],
};
