import { WireConnection } from "../../wire/connection.ts";
import { frameType, protocolVersion } from "../../wire/frames.ts";
import { decodeRequestHead, splitHeadPayload } from "../../wire/heads.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import { createCallPlatform } from "./call-platform.ts";
import { captureConsole } from "./console-capture.ts";
import { applyGuestEnvironment } from "./guest-environment.ts";
import type { GuestOptions } from "./guest-options.ts";
import { type FoundHandler, findHandler } from "./handler-shapes.ts";
import { Invocation, type InvocationShared } from "./invocation.ts";
import { createFunctionSecrets } from "./invocation-context.ts";
import { logLevelCode, LogOutput, processAddress } from "./log-output.ts";
import { type LogOwner, logOwners, LogScope } from "./log-scope.ts";
import type { ConfigureMessage, GuestFailure, GuestHello, HostHello } from "./messages.ts";
import { type CloneRenewal, cloneRenewal } from "./renew-clone.ts";
import { rehearse } from "./rehearse.ts";
import { installResponseMemo } from "./response-memo.ts";
import { RunningInvocations } from "./running-invocations.ts";
import { describeThrown, type ModuleName, named } from "./thrown.ts";

/** Exit codes of the guest itself. A user's own `process.exit` may use any. */
export const guestExitCode = { done: 0, loadFailed: 65, uncaught: 70, protocol: 76 } as const;

/** The largest frame from the host, which is the one with the code. */
const payloadBytesMax = 64 * 1024 * 1024;
/** The host decides how much runs at once; this only bounds a broken one. */
const requestsMax = 65_536;
const waitUntilMsDefault = 30_000;
/** How long the last bytes may take to leave when the host does not read. */
const flushMsMax = 1_000;

/** A module that was imported, and what was found in it. */
interface LoadedModule {
  readonly handler: FoundHandler;
  readonly module: ModuleName;
  readonly deploymentId: string;
}

/**
 * The guest half of an instance: takes one function over the connection and serves it.
 *
 *   greeting --hello--> blank --configure--> loading --ready--> serving --drain--> draining --idle--> exiting
 *   loading --ready, as a template--> loaded --configure, in a copy--> serving
 *   any --uncaught, load_failed, breach of the protocol, end of the transport--> exiting
 */
export class Guest {
  readonly #options: GuestOptions;
  readonly #connection: WireConnection;
  readonly #output: LogOutput;
  readonly #processScope: LogScope;
  readonly #running = new RunningInvocations();
  readonly #call = createCallPlatform((listener) => this.openStream(listener));
  readonly #renewal: CloneRenewal;
  #state: "greeting" | "blank" | "loading" | "loaded" | "serving" | "draining" | "exiting" =
    "greeting";
  #loaded: LoadedModule | undefined;
  #module: ModuleName | undefined;
  #serving: InvocationShared | undefined;
  #waiting = 0;
  #waitUntilMs = waitUntilMsDefault;

  constructor(options: GuestOptions) {
    this.#options = options;
    const globals = options.isRehearsal === true ? { Math: {}, performance: {} } : globalThis;
    this.#renewal = cloneRenewal({ ...options, globals });
    this.#connection = new WireConnection({
      role: "guest",
      sink: options.sink,
      listener: {
        frame: (type, payload) => this.#frame(type, payload),
        opened: (stream, _type, payload) => this.#opened(stream, payload),
        closed: (error) => this.#closed(error),
      },
      payloadBytesMax,
      peerStreamsMax: requestsMax,
      endOfTurn: options.endOfTurn,
    });
    const { writer } = this.#connection;
    this.#output = new LogOutput({ writer, transport: options.sink });
    this.#processScope = new LogScope(this.#output, processAddress);
  }

  /** The scope of the code that runs now. */
  readonly logScope = (): LogScope => logOwners.getStore()?.logScope ?? this.#processScope;

  /** Greets the host and prepares the globals that user code will see. */
  start(): void {
    const { platform, clock } = this.#options;
    installResponseMemo();
    captureConsole(console, { platform, clock, scope: this.logScope });
    const hello: GuestHello = {
      version: protocolVersion,
      runtime: platform.runtime,
      runtimeVersion: platform.runtimeVersion,
      pid: platform.pid,
    };
    this.#sendJson(frameType.hello, hello);
  }

  /** Takes the next bytes from the transport. */
  receive(chunk: Buffer): void {
    this.#connection.receive(chunk);
  }

  /** The transport ended: there is nobody left to serve. */
  transportEnded(): void {
    this.#connection.close(new WireError("connection_closed", "The host closed the connection"));
  }

  /** Opens a byte stream to the outside; the caller sends `open`. */
  openStream(listener: StreamListener): WireStream {
    return this.#connection.open(listener);
  }

  /** Sends everything written so far, partial lines included; for the end of the process. */
  flush(): void {
    for (const invocation of this.#running.list()) invocation.flushLog();
    this.#processScope.flush();
    this.#output.reportDropped();
    this.#connection.writer.flush();
  }

  /**
   * The process is about to exit. `stack`, of the code that ended it, goes to the log when that was
   * the module while it was being imported.
   */
  exiting(stack: string | undefined): void {
    if (this.#state === "loading") {
      const text = `The process was ended while the module was being imported\n${endedBy(stack)}`;
      this.#processScope.log(logLevelCode.error, named(text, this.#module));
    }
    this.flush();
  }

  /** An exception that nobody caught: the process's state is unknown, so it ends. */
  uncaught(error: unknown): void {
    if (this.#state === "exiting") return;
    const kind = this.#state === "loading" ? "load_failed" : "uncaught";
    this.#exitWith(kind, error);
  }

  /**
   * A rejection that nobody handled fails the request that it belongs to; after its answer it is a
   * line of its log. Where the runtime does not tell whose it is, it fails the request that runs when
   * there is exactly one; otherwise it ends the process as it would anywhere else.
   */
  unhandledRejection(reason: unknown): void {
    const owner = logOwners.getStore();
    const [only, another] = this.#running.list();
    if (owner instanceof Invocation && owner.runningIndex >= 0) owner.fail(reason);
    else if (owner instanceof Invocation) this.#logLate(owner, reason);
    else if (only !== undefined && another === undefined) only.fail(reason);
    else this.uncaught(reason);
  }

  #logLate(owner: Invocation, reason: unknown): void {
    const { message, stack } = describeThrown(reason, this.#module);
    const text = `A promise that nobody handles was rejected after the answer: ${stack ?? message}`;
    owner.logScope.log(logLevelCode.error, text);
  }

  #frame(type: number, payload: Buffer): void {
    switch (type) {
      case frameType.hello:
        this.#greeted(JSON.parse(payload.toString("utf8")));
        return;
      case frameType.configure:
        this.#configure(payload);
        return;
      case frameType.ping:
        // The clock of a machine that is to be copied was set back, so that it leaps in each copy.
        if (this.#state === "loaded") this.#options.platform.noteTime?.();
        this.#connection.send(frameType.pong);
        this.#connection.writer.flush();
        return;
      case frameType.rehearse:
        this.#rehearse();
        return;
      case frameType.drain:
        this.#drain();
        return;
    }
    throw new WireError("bad_frame", `Frame type ${type} is not expected on stream 0`);
  }

  #greeted(hello: HostHello): void {
    if (this.#state !== "greeting" || hello.version !== protocolVersion) {
      throw new WireError(
        "version_mismatch",
        `The host speaks version ${hello.version} in state ${this.#state}, must be ${protocolVersion}`,
      );
    }
    this.#state = "blank";
    this.#rehearse();
  }

  #rehearse(): void {
    if (this.#options.isRehearsal === true) return;
    const isWanted = (): boolean => this.#state === "blank";
    // Not at once: what may have come right behind goes first.
    this.#options.endOfTurn(() => {
      if (!isWanted()) return;
      void rehearse(this.#options, { create: (options) => new Guest(options), isWanted });
    });
  }

  #configure(payload: Buffer): void {
    if (this.#state !== "blank" && this.#state !== "loaded") {
      throw new WireError("bad_frame", `Cannot configure in state ${this.#state}, must be blank`);
    }
    const jsonBytes = payload.readUInt32LE(0);
    const configured: ConfigureMessage = JSON.parse(payload.toString("utf8", 4, 4 + jsonBytes));
    if (this.#loaded !== undefined) {
      this.#configureLoaded(configured, this.#loaded);
      return;
    }
    this.#state = "loading";
    if (configured.clone === true) this.#renewal.renew();
    const env = applyGuestEnvironment(this.#options.platform.env, configured);
    const { reaches } = configured;
    const imported = this.#options.platform.importModule(
      payload.subarray(4 + jsonBytes),
      (part) => reaches === undefined || reaches.includes(part),
    );
    const { url, path, exports } = imported;
    const module = { url, path, entrypoint: configured.entrypoint };
    this.#module = module;
    void this.#load(configured, { env, module, exports });
  }

  async #load(
    configured: ConfigureMessage,
    loading: {
      readonly env: Readonly<Record<string, string>>;
      readonly module: ModuleName;
      readonly exports: Promise<Readonly<Record<string, unknown>>>;
    },
  ): Promise<void> {
    const { env, module } = loading;
    let handler: FoundHandler;
    try {
      handler = findHandler(await loading.exports, configured);
    } catch (error) {
      this.#exitWith("load_failed", error);
      return;
    }
    const loaded = { handler, module, deploymentId: configured.deploymentId };
    this.#processScope.flush();
    if (configured.template === true) {
      this.#loaded = loaded;
      this.#state = "loaded";
    } else {
      this.#serve(configured, env, loaded);
    }
    this.#sendJson(frameType.ready, { shape: handler.shape, ...handler.schemas });
  }

  /** In a copy of a guest that had loaded its function. */
  #configureLoaded(configured: ConfigureMessage, loaded: LoadedModule): void {
    const { deploymentId, handler } = loaded;
    if (configured.deploymentId !== deploymentId) {
      throw new WireError(
        "bad_frame",
        `Cannot configure for deployment ${configured.deploymentId}: ${deploymentId} is loaded`,
      );
    }
    this.#renewal.renewLoaded();
    this.#serve(configured, applyGuestEnvironment(this.#options.platform.env, configured), loaded);
    this.#sendJson(frameType.ready, { shape: handler.shape, ...handler.schemas });
  }

  #serve(
    configured: ConfigureMessage,
    env: Readonly<Record<string, string>>,
    { handler, module }: LoadedModule,
  ): void {
    this.#waitUntilMs = configured.limits.waitUntilMs ?? waitUntilMsDefault;
    const { platform, clock } = this.#options;
    const secrets = createFunctionSecrets(configured);
    const waitUntil = (owner: LogOwner, promise: PromiseLike<unknown>): void =>
      void this.#waitUntil(owner, promise);
    this.#serving = {
      handler,
      module,
      context: { configured, platform, clock, env, secrets, call: this.#call, waitUntil },
      output: this.#output,
      finished: (invocation) => this.#finished(invocation),
    };
    this.#state = "serving";
  }

  #opened(stream: WireStream, payload: Buffer): StreamListener {
    const { head, body } = splitHeadPayload(payload);
    const serving = this.#serving;
    if (serving === undefined) {
      throw new WireError("bad_stream", `Request in state ${this.#state}, must be serving`);
    }
    const invocation = new Invocation(serving, stream, decodeRequestHead(head));
    this.#running.add(invocation);
    // Frames that follow in the same chunk must find their listener, so it is set before user code runs.
    stream.listener = invocation;
    logOwners.run(invocation, runInvocation, invocation, body);
    return invocation;
  }

  #finished(invocation: Invocation): void {
    this.#running.remove(invocation);
    if (this.#state === "draining") this.#exitWhenIdle();
  }

  async #waitUntil(owner: LogOwner, promise: PromiseLike<unknown>): Promise<void> {
    this.#waiting += 1;
    try {
      await promise;
    } catch (error) {
      const { message, stack } = describeThrown(error, this.#module);
      owner.logScope.log(logLevelCode.error, `A waitUntil promise failed: ${stack ?? message}`);
    }
    this.#waiting -= 1;
    if (this.#state === "draining") this.#exitWhenIdle();
  }

  #drain(): void {
    if (this.#state === "draining" || this.#state === "exiting") return;
    this.#state = "draining";
    this.#exitWhenIdle();
    this.#options.clock.after(this.#waitUntilMs, () => {
      this.#waiting = 0;
      this.#exitWhenIdle();
    });
  }

  #exitWhenIdle(): void {
    if (this.#running.size === 0 && this.#waiting === 0) this.#exit(guestExitCode.done);
  }

  #closed(error: WireError): void {
    const clean = error.code === "connection_closed";
    this.#options.platform.exit(clean ? guestExitCode.done : guestExitCode.protocol);
  }

  #exitWith(kind: GuestFailure["kind"], error: unknown): void {
    this.#processScope.flush();
    const failure: GuestFailure = { kind, ...describeThrown(error, this.#module) };
    this.#sendJson(frameType.failure, failure);
    this.#exit(kind === "uncaught" ? guestExitCode.uncaught : guestExitCode.loadFailed);
  }

  #exit(code: number): void {
    if (this.#state === "exiting") return;
    this.#state = "exiting";
    const { sink, clock, platform } = this.#options;
    this.flush();
    sink.onceEmpty(() => platform.exit(code));
    clock.after(flushMsMax, () => platform.exit(code));
  }

  #sendJson(type: number, value: unknown): void {
    this.#connection.send(type, Buffer.from(JSON.stringify(value)));
  }
}

/** The frames below those of the exit itself. */
function endedBy(stack = ""): string {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const exit = frames.findLastIndex((frame) => /\bat (?:process\.)?(?:really)?exit\b/i.test(frame));
  return frames.slice(exit + 1).join("\n");
}

function runInvocation(invocation: Invocation, body: Buffer): void {
  invocation.run(body as Uint8Array<ArrayBuffer>);
}
