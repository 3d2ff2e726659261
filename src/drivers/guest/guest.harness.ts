import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Socket, Subprocess, UnixSocketListener } from "bun";
import { createDeferred } from "../../base/deferred.ts";
import { endOfTurn } from "../../base/end-of-turn.ts";
import { WireConnection } from "../../wire/connection.ts";
import {
  frameType,
  logSourceCode,
  logSources,
  protocolVersion,
  wireLogLevels,
} from "../../wire/frames.ts";
import { decodeResponseHead, type RequestHead } from "../../wire/heads.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { buildBunGuest } from "../bun/build-guest.ts";
import { GuestSocket } from "../bun/guest-socket.ts";
import { reachableParts } from "../javascript/reachable-parts.ts";
import type {
  CallMessage,
  ConfigureMessage,
  GuestFailure,
  GuestHello,
  OpenMessage,
  ReadyMessage,
  ReplyMessage,
  RequestFailure,
} from "./messages.ts";

/** A log line as the host reads it. */
export interface HarnessLine {
  readonly level: string;
  readonly source: string;
  readonly text: string;
  /** Set on a line of an answered request. */
  readonly requestId?: string;
}

/** A guest to test: how a driver builds and runs it. */
export interface TestGuest {
  readonly fileName: string;
  readonly build: () => Promise<string>;
  readonly binary: string;
}

const bunGuest: TestGuest = {
  fileName: "guest.js",
  build: buildBunGuest,
  binary: process.execPath,
};

const guestBuilds = new Map<TestGuest["build"], Promise<string>>();

/** Builds a guest once per test process, as its driver does. */
function guestCode({ build }: TestGuest): Promise<string> {
  const built = guestBuilds.get(build) ?? build();
  guestBuilds.set(build, built);
  return built;
}

export interface HarnessOptions {
  /** Default: Bun's. */
  readonly guest?: TestGuest;
  readonly configure?: Partial<ConfigureMessage>;
  /** The process's initial environment. */
  readonly env?: Record<string, string>;
  /** Hears streams that the guest opens. */
  readonly onOpen?: (stream: WireStream, message: OpenMessage) => StreamListener;
  /** Answers the guest's platform calls. */
  readonly onCall?: (message: CallMessage) => ReplyMessage;
  readonly proxyPort?: number;
  /** The protocol version that the host claims. */
  readonly version?: number;
}

/** What a test sends; `body` undefined means none, `open: true` that more follows by `stream`. */
export interface HarnessRequest extends Partial<RequestHead> {
  readonly body?: string | Uint8Array;
  readonly open?: boolean;
  /** Does not grant credit for the response until `consume` is called. */
  readonly hold?: boolean;
}

/** The host's side of one request. */
export class Exchange implements StreamListener {
  readonly lines: HarnessLine[] = [];
  /** What happened, in the order of the frames: `head`, `end`, `failure` or `log <text>`. */
  readonly events: string[] = [];
  readonly #head = createDeferred<{ status: number; headers: readonly string[] }>();
  readonly #done = createDeferred<RequestFailure | undefined>();
  readonly #chunks: Buffer[] = [];
  readonly #hold: boolean;
  #stream: WireStream | undefined;
  #drained = createDeferred<void>();
  #arrived = createDeferred<void>();
  bodyBytes = 0;
  keep = true;

  constructor(hold: boolean) {
    this.#hold = hold;
  }

  attach(stream: WireStream): void {
    this.#stream = stream;
  }

  get stream(): WireStream {
    if (this.#stream === undefined) throw new Error("not sent yet");
    return this.#stream;
  }

  /** Resolves with the head; rejects when the request failed first. */
  get responseHead(): Promise<{ status: number; headers: readonly string[] }> {
    return this.#head.promise;
  }

  /** Resolves at the end with the failure, or undefined when the response was whole. */
  get outcome(): Promise<RequestFailure | undefined> {
    return this.#done.promise;
  }

  /** The whole body; rejects when the request failed. */
  async text(): Promise<string> {
    const failure = await this.outcome;
    if (failure !== undefined) throw new Error(`${failure.kind}: ${failure.message}`);
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  async header(name: string): Promise<string | undefined> {
    const { headers } = await this.responseHead;
    const at = headers.findIndex((field, i) => i % 2 === 0 && field.toLowerCase() === name);
    return at === -1 ? undefined : headers[at + 1];
  }

  /** Sends body bytes and resolves when the guest may get more. */
  async send(chunk: Uint8Array): Promise<void> {
    this.#drained = createDeferred<void>();
    if (!this.stream.write(chunk)) await this.#drained.promise;
  }

  /** Resolves when the next body bytes, or the end, arrive. */
  arrival(): Promise<void> {
    this.#arrived = createDeferred<void>();
    return this.#arrived.promise;
  }

  head(head: string, body: Buffer): void {
    this.events.push("head");
    this.#head.resolve(decodeResponseHead(head));
    if (body.length > 0) this.data(body);
  }

  data(chunk: Buffer): void {
    this.bodyBytes += chunk.length;
    if (this.keep) this.#chunks.push(Buffer.from(chunk));
    if (!this.#hold) this.stream.consumed(chunk.length);
    this.#arrived.resolve();
  }

  end(): void {
    this.events.push("end");
    this.#done.resolve(undefined);
    this.#arrived.resolve();
  }

  answer(_type: number, json: string): void {
    this.events.push("failure");
    const failure: RequestFailure = JSON.parse(json);
    this.#settle(failure);
  }

  log(payload: Buffer): void {
    const line = decodeLine(payload);
    this.lines.push(line);
    this.events.push(`log ${line.text}`);
  }

  cancelled(): void {}

  drained(): void {
    this.#drained.resolve();
  }

  closed(): void {
    this.#settle({ kind: "cancelled", message: "the connection closed" });
  }

  #settle(failure: RequestFailure): void {
    this.#done.resolve(failure);
    this.#arrived.resolve();
    this.#head.promise.catch(() => {});
    this.#head.reject(new Error(`${failure.kind}: ${failure.message}`));
  }
}

function decodeLine(payload: Buffer): HarnessLine {
  const level = wireLogLevels[payload[0] ?? -1] ?? "?";
  const code = payload[1] ?? -1;
  if (code === logSourceCode.dropped) {
    return { level, source: "dropped", text: String(payload.readUInt32LE(2)) };
  }
  const source = logSources[code & ~logSourceCode.owned] ?? "?";
  const text = payload.toString("utf8", 2);
  if ((code & logSourceCode.owned) === 0) return { level, source, text };
  const [, requestId = "", ...rest] = text.split("\0");
  return { level, source, text: rest.join("\0"), requestId };
}

function answerCall(stream: WireStream, payload: Buffer, options: HarnessOptions): StreamListener {
  const message: CallMessage = JSON.parse(payload.toString("utf8"));
  if (options.onCall === undefined) throw new Error("unexpected call");
  stream.json(frameType.reply, options.onCall(message));
  stream.close();
  return { data() {}, end() {}, cancelled() {}, drained() {}, closed() {} };
}

/** A real guest in a real process of its own, with the test as its host. */
export class GuestHarness {
  readonly lines: HarnessLine[] = [];
  readonly hello = createDeferred<GuestHello>();
  readonly ready = createDeferred<ReadyMessage>();
  readonly failure = createDeferred<GuestFailure>();
  readonly #folder = mkdtempSync(join(tmpdir(), "reactor-guest-test-"));
  readonly #sink = new GuestSocket();
  readonly #connection: WireConnection;
  #listener: UnixSocketListener<unknown> | undefined;
  #process: Subprocess<"ignore", "pipe", "pipe"> | undefined;
  #pong = createDeferred<void>();
  #nextId = 1;
  readonly #version: number;

  constructor(options: HarnessOptions) {
    this.#version = options.version ?? protocolVersion;
    this.#connection = new WireConnection({
      role: "host",
      sink: this.#sink,
      endOfTurn,
      payloadBytesMax: 1024 * 1024,
      peerStreamsMax: 1000,
      listener: {
        frame: (type, payload) => this.#frame(type, payload),
        opened: (stream, type, payload) => {
          if (type === frameType.call) return answerCall(stream, payload, options);
          const message: OpenMessage = JSON.parse(payload.toString("utf8"));
          if (options.onOpen === undefined) throw new Error("unexpected open");
          return options.onOpen(stream, message);
        },
        closed() {},
      },
    });
  }

  /** Spawns the guest and waits for its hello. */
  static async spawn(options: HarnessOptions = {}): Promise<GuestHarness> {
    const harness = new GuestHarness(options);
    const socketPath = join(harness.#folder, "s");
    const { guest = bunGuest } = options;
    const guestPath = join(harness.#folder, guest.fileName);
    writeFileSync(guestPath, await guestCode(guest));
    harness.#listener = Bun.listen({
      unix: socketPath,
      socket: {
        binaryType: "buffer",
        open: (socket: Socket<unknown>) => harness.#sink.attach(socket),
        data: (_socket, chunk) => harness.#connection.receive(chunk),
        drain: () => harness.#sink.drained(),
      },
    });
    harness.#process = Bun.spawn({
      cmd: [guest.binary, guestPath, socketPath, String(options.proxyPort ?? 0)],
      env: options.env ?? {},
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const hello = await Promise.race([harness.hello.promise, harness.exitCode]);
    if (typeof hello === "number") {
      const output = await harness.stderr();
      await harness.stop();
      throw new Error(`The guest exited with ${hello}: ${output}`);
    }
    return harness;
  }

  /** Spawns a guest that serves `code`; throws when it does not become ready. */
  static async start(code: string, options: HarnessOptions = {}): Promise<GuestHarness> {
    const harness = await GuestHarness.spawn(options);
    harness.configure(code, options.configure);
    const answer = await Promise.race([harness.ready.promise, harness.failure.promise]);
    if ("shape" in answer) return harness;
    await harness.stop();
    throw new Error(`The guest did not load: ${answer.message}`);
  }

  get exitCode(): Promise<number> {
    return this.#process?.exited ?? Promise.reject(new Error("not spawned"));
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** What the process wrote past the guest. Only after its exit. */
  async stderr(): Promise<string> {
    const output = this.#process?.stderr;
    return output === undefined ? "" : await new Response(output).text();
  }

  /** Resident memory of the guest's process. */
  residentBytes(): number {
    const [, pages = "0"] = readFileSync(`/proc/${this.pid}/statm`, "utf8").split(" ");
    return Number(pages) * 4096;
  }

  configure(code: string, configure: Partial<ConfigureMessage> = {}): void {
    const message: ConfigureMessage = {
      functionName: "hello",
      functionId: "fn_1",
      deploymentId: "dep_1",
      revision: 7,
      entrypoint: "code/index.ts",
      reaches: reachableParts(Buffer.from(code)),
      env: {},
      secrets: {},
      limits: { memoryMb: 256, timeoutMs: 30_000, bodyOutBytesMax: 6_000_000 },
      dev: false,
      ...configure,
    };
    const json = Buffer.from(JSON.stringify(message));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    this.#connection.send(frameType.configure, Buffer.concat([length, json, Buffer.from(code)]));
  }

  send(type: number, payload?: Uint8Array): void {
    this.#connection.send(type, payload);
  }

  ping(): Promise<void> {
    this.#pong = createDeferred<void>();
    this.#connection.send(frameType.ping);
    return this.#pong.promise;
  }

  /** Sends one request. */
  request(request: HarnessRequest = {}): Exchange {
    const exchange = new Exchange(request.hold ?? false);
    const id = this.#nextId++;
    const head: RequestHead = {
      invocationId: `inv_${id}`,
      requestId: `req_${id}`,
      method: request.body === undefined && request.open !== true ? "GET" : "POST",
      url: "http://localhost/fn/v1/hello",
      deadlineMs: 4_000_000_000_000,
      caller: "",
      headers: [],
      ...request,
    };
    const stream = this.#connection.open(exchange);
    exchange.attach(stream);
    const body = request.body === undefined ? undefined : Buffer.from(request.body);
    stream.head(frameType.request, head, body, request.open !== true);
    return exchange;
  }

  /** Sends a request and resolves with its whole text. */
  text(request: HarnessRequest = {}): Promise<string> {
    return this.request(request).text();
  }

  /** Ends the transport as a host that died would. */
  disconnect(): void {
    this.#sink.end();
  }

  async stop(): Promise<void> {
    this.#process?.kill(9);
    await this.exitCode;
    this.#listener?.stop(true);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #frame(type: number, payload: Buffer): void {
    const text = payload.toString("utf8");
    if (type === frameType.hello) {
      this.hello.resolve(JSON.parse(text));
      const hello = Buffer.from(JSON.stringify({ version: this.#version }));
      this.#connection.send(frameType.hello, hello);
    } else if (type === frameType.ready) this.ready.resolve(JSON.parse(text));
    else if (type === frameType.failure) this.failure.resolve(JSON.parse(text));
    else if (type === frameType.log) this.lines.push(decodeLine(payload));
    else if (type === frameType.pong) this.#pong.resolve();
  }
}
