import { createDeferred, type Deferred } from "../../base/deferred.ts";
import { dataPayloadBytesMax, frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { CallOwner, CallSession, PlatformCalls } from "../platform-calls.ts";
import type { InstanceLog } from "./instance-log.ts";

/** The longest JSON of one call's parameters. */
const callBytesMax = 8 * 1024 * 1024;
/** Bytes of calls and answers that one instance may have waiting here. */
const heldBytesMax = 32 * 1024 * 1024;
const methodCharsMax = 64;
const idCharsMax = 256;

/** The platform calls (`ctx.db`) of one instance: reads them, bounds them and sends the answers. */
export class GuestCalls {
  readonly #calls: PlatformCalls | undefined;
  readonly #log: InstanceLog;
  readonly #running = new Set<GuestCall>();
  #session: CallSession | undefined;
  #heldBytes = 0;
  /** Whether there ever was one: most functions make none, and then an invocation's end is nothing. */
  #isUsed = false;

  constructor(calls: PlatformCalls | undefined, log: InstanceLog) {
    this.#calls = calls;
    this.#log = log;
  }

  /** The instance has its function: its calls are that project's. */
  bind(projectId: string): void {
    this.#session = this.#calls?.open({
      projectId,
      log: (level, message, owner) => this.#log.platform(level, message, owner),
    });
  }

  /** Answers a guest's `call` frame. Throws WireError when it is malformed. */
  open(stream: WireStream, payload: Buffer): StreamListener {
    const call = new GuestCall(stream, parseCall(payload), {
      hold: (bytes) => this.#hold(bytes),
      serve: (served) => this.#serve(served),
    });
    this.#isUsed = true;
    call.begin();
    return call;
  }

  /** The invocation is over; `cancelled`: nobody waits for what it still asks either. */
  ended(invocationId: string, cancelled: boolean): void {
    if (!this.#isUsed) return;
    if (cancelled) {
      for (const call of this.#running) {
        if (call.request.owner.invocationId === invocationId) call.abort();
      }
    }
    this.#session?.ended(invocationId);
  }

  /** The instance is gone. */
  close(): void {
    for (const call of this.#running) call.abort();
    this.#session?.close();
  }

  /** Counts bytes that are kept, or with a negative number no more; false when there is no room. */
  #hold(bytes: number): boolean {
    if (bytes > 0 && this.#heldBytes + bytes > heldBytesMax) return false;
    this.#heldBytes += bytes;
    return true;
  }

  async #serve(call: GuestCall): Promise<void> {
    const session = this.#session;
    if (session === undefined) {
      call.refuse("runtime_error", "Cannot serve platform calls: this server has none");
      return;
    }
    this.#running.add(call);
    try {
      const { method, owner } = call.request;
      const asked = { method, params: call.params(), owner };
      await call.succeed(await session.call(asked, call.signal));
    } catch (error) {
      call.fail(error);
    } finally {
      this.#running.delete(call);
    }
  }
}

interface CallRequest {
  readonly method: string;
  readonly owner: CallOwner;
  /** Undefined: they follow as bytes. */
  readonly params: unknown;
}

/**
 * One call on its stream.
 *
 *   reading --its end--> serving --answer--> answering --all read--> done
 *   any --refused, the guest or the connection ended it--> done
 */
class GuestCall implements StreamListener {
  readonly request: CallRequest;
  readonly #stream: WireStream;
  readonly #owner: { hold(bytes: number): boolean; serve(call: GuestCall): Promise<void> };
  readonly #aborting = new AbortController();
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #isDone = false;
  #room: Deferred<void> | undefined;

  constructor(
    stream: WireStream,
    request: CallRequest,
    owner: { hold(bytes: number): boolean; serve(call: GuestCall): Promise<void> },
  ) {
    this.#stream = stream;
    this.request = request;
    this.#owner = owner;
  }

  get signal(): AbortSignal {
    return this.#aborting.signal;
  }

  /** Serves it when it is complete already. */
  begin(): void {
    if (this.request.params !== undefined) void this.#owner.serve(this);
  }

  params(): unknown {
    if (this.request.params !== undefined) return this.request.params;
    const text = Buffer.concat(this.#parts).toString("utf8");
    this.#release();
    return parseJson(text);
  }

  /** Sends the JSON of a result; resolves when the guest has read it. */
  async succeed(json: string): Promise<void> {
    if (this.#isDone) return;
    const bytes = Buffer.from(json);
    if (bytes.length <= dataPayloadBytesMax) {
      this.#reply(Buffer.concat([Buffer.from('{"result":'), bytes, Buffer.from("}")]));
      return;
    }
    if (!this.#hold(bytes.length)) {
      this.refuse("too_many_requests", `${heldBytesMax} bytes of answers have not been read yet`);
      return;
    }
    if (!this.#stream.write(bytes)) {
      this.#room = createDeferred<void>();
      await this.#room.promise;
    }
    this.#reply(Buffer.from('{"streamed":true}'));
  }

  /** Sends a failure; what is no error of a call's is said without details. */
  fail(error: unknown): void {
    const coded = error instanceof Error && "code" in error && typeof error.code === "string";
    if (!coded) {
      const reason = error instanceof Error ? error.message : String(error);
      this.refuse("runtime_error", `The platform failed to serve the call: ${reason}`);
      return;
    }
    const facts = "facts" in error && typeof error.facts === "object" ? error.facts : {};
    this.#error({ ...facts, code: error.code, message: error.message });
  }

  refuse(code: string, message: string): void {
    this.#error({ code, message });
  }

  abort(): void {
    this.#aborting.abort();
  }

  data(chunk: Buffer): void {
    this.#stream.consumed(chunk.length);
    if (this.#isDone) return;
    if (this.#heldBytes + chunk.length > callBytesMax) {
      this.refuse("invalid_request", `A call may have ${callBytesMax} bytes`);
    } else if (!this.#hold(chunk.length)) {
      this.refuse("too_many_requests", `${heldBytesMax} bytes of calls are under way already`);
    } else {
      this.#parts.push(Buffer.from(chunk));
    }
  }

  end(): void {
    if (!this.#isDone && this.request.params === undefined) void this.#owner.serve(this);
  }

  cancelled(): void {
    this.abort();
    this.#finish();
    this.#stream.close();
  }

  drained(): void {
    this.#room?.resolve();
  }

  closed(): void {
    this.abort();
    this.#finish();
  }

  #error(error: Readonly<Record<string, unknown>>): void {
    this.#reply(Buffer.from(JSON.stringify({ error })));
  }

  #reply(payload: Buffer): void {
    if (this.#isDone) return;
    this.#finish();
    this.#stream.send(frameType.reply, payload);
    this.#stream.close();
  }

  #hold(bytes: number): boolean {
    if (!this.#owner.hold(bytes)) return false;
    this.#heldBytes += bytes;
    return true;
  }

  #release(): void {
    this.#owner.hold(-this.#heldBytes);
    this.#heldBytes = 0;
    this.#parts = [];
  }

  #finish(): void {
    this.#isDone = true;
    this.#release();
    this.#room?.resolve();
  }
}

function parseCall(payload: Buffer): CallRequest {
  const value = parseJson(payload.toString("utf8"));
  const fields: Record<string, unknown> =
    typeof value === "object" && value !== null ? { ...value } : {};
  const { method, invocation, request, params } = fields;
  const isText = (text: unknown, max: number): text is string =>
    typeof text === "string" && text.length <= max;
  if (
    !isText(method, methodCharsMax) ||
    !isText(invocation, idCharsMax) ||
    !isText(request, idCharsMax)
  ) {
    throw new WireError("bad_frame", "Call frame lacks its method or its invocation");
  }
  return { method, owner: { invocationId: invocation, requestId: request }, params };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new WireError("bad_frame", `A call is no JSON: ${String(error)}`);
  }
}
