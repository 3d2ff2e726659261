import { createDeferred, type Deferred } from "../base/deferred.ts";
import { type Allotment, allotmentOf } from "../domain/usage.ts";
import type { InstanceExit } from "../domain/instance.ts";
import type {
  Artifact,
  Driver,
  DriverProbe,
  Instance,
  InvocationFailure,
  InvocationSink,
  InvocationStream,
  PrepareRequest,
  StartSpec,
} from "../drivers/driver.ts";
import { StartError } from "../drivers/driver.ts";
import type { RequestHead } from "../wire/heads.ts";

/** One invocation as the scripted guest sees it; the test answers it. */
export class ScriptedCall implements InvocationStream {
  readonly head: RequestHead;
  readonly sink: InvocationSink;
  readonly instance: ScriptedInstance;
  readonly bodyChunks: Buffer[] = [];
  bodyEnded: boolean;
  cancelReason: string | undefined;
  consumedBytes = 0;
  /** What `write` answers. */
  hasRoom = true;
  /** Called when the request body is complete. */
  onBody: (() => void) | undefined;
  onCancel: (() => void) | undefined;
  #over = false;

  constructor(
    instance: ScriptedInstance,
    head: RequestHead,
    body: Uint8Array | undefined,
    complete: boolean,
    sink: InvocationSink,
  ) {
    this.instance = instance;
    this.head = head;
    this.sink = sink;
    this.bodyEnded = complete;
    if (body !== undefined) this.bodyChunks.push(Buffer.from(body));
  }

  get body(): string {
    return Buffer.concat(this.bodyChunks).toString();
  }

  header(name: string): string | undefined {
    const { headers } = this.head;
    for (let i = 0; i < headers.length; i += 2) {
      if ((headers[i] as string).toLowerCase() === name) return headers[i + 1];
    }
    return undefined;
  }

  write(chunk: Uint8Array): boolean {
    this.bodyChunks.push(Buffer.from(chunk));
    return this.hasRoom;
  }

  end(): void {
    this.bodyEnded = true;
    this.onBody?.();
  }

  cancel(reason: string): void {
    if (this.cancelReason !== undefined) return;
    this.cancelReason = reason;
    this.onCancel?.();
    if (!this.instance.stuck) queueMicrotask(() => this.fail({ kind: "cancelled" }));
  }

  consumed(bytes: number): void {
    this.consumedBytes += bytes;
  }

  /** Sends a whole answer in one go. */
  respond(status: number, headers: readonly string[], body: string | Buffer = ""): void {
    if (this.#over) return;
    this.sink.head(status, headers);
    const bytes = Buffer.from(body);
    if (bytes.length > 0) this.sink.data(bytes);
    this.finish();
  }

  finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.instance.calls.delete(this);
    this.sink.end();
  }

  fail(failure: InvocationFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.instance.calls.delete(this);
    this.sink.failed(failure);
  }
}

export class ScriptedInstance implements Instance {
  readonly id: string;
  readonly spec: StartSpec;
  readonly tier = 0;
  readonly shape = "fetch";
  readonly fromBlank = false;
  readonly pids = [];
  readonly allotment: Allotment;
  readonly calls = new Set<ScriptedCall>();
  /** It neither answers probes nor confirms cancels. */
  stuck = false;
  served = 0;
  stopOptions: { readonly graceMs: number; readonly exit?: InstanceExit } | undefined;
  readonly #handler: (call: ScriptedCall) => void;
  readonly #exit: Deferred<InstanceExit> = createDeferred();

  constructor(id: string, spec: StartSpec, handler: (call: ScriptedCall) => void) {
    this.id = id;
    this.spec = spec;
    this.allotment = allotmentOf(spec.manifest.limits);
    this.#handler = handler;
  }

  get exit(): Promise<InstanceExit> {
    return this.#exit.promise;
  }

  serve(
    head: RequestHead,
    body: Uint8Array | undefined,
    complete: boolean,
    sink: InvocationSink,
  ): InvocationStream {
    const call = new ScriptedCall(this, head, body, complete, sink);
    this.calls.add(call);
    this.served += 1;
    this.#handler(call);
    return call;
  }

  responds(): Promise<boolean> {
    return Promise.resolve(!this.stuck);
  }

  /** Running calls may finish when there is a grace; the test ends them. */
  stop(options: { readonly graceMs: number; readonly exit?: InstanceExit }): Promise<InstanceExit> {
    this.stopOptions ??= options;
    if (options.graceMs === 0 || this.calls.size === 0) {
      this.die(this.stopOptions.exit ?? { reason: "stopped" });
    }
    return this.exit;
  }

  die(exit: InstanceExit): void {
    for (const call of this.calls) call.fail({ kind: "exited", exit });
    this.#exit.resolve(exit);
  }
}

export interface ScriptedStart {
  readonly spec: StartSpec;
  readonly artifact: Artifact;
  readonly signal: AbortSignal;
  /** The instance is ready. */
  succeed(): ScriptedInstance;
  fail(exit: InstanceExit, log: string): void;
}

/** A driver whose starts and answers a test decides. */
export class ScriptedDriver implements Driver {
  readonly name = "simulated";
  readonly starts: ScriptedStart[] = [];
  readonly instances: ScriptedInstance[] = [];
  /** False: starts wait for the test. */
  startsByItself = true;
  /** Set: starts fail with this. */
  startFailure: { readonly exit: InstanceExit; readonly log: string } | undefined;
  handler: (call: ScriptedCall) => void = (call) => call.respond(200, [], "ok");

  probe(): Promise<DriverProbe> {
    return Promise.resolve({
      available: true,
      version: "1",
      tier: 0,
      enforces: {
        memory: "none",
        cpu: "none",
        processes: "none",
        wallClock: "hard",
        filesystem: "none",
        network: "none",
      },
      findings: [],
      remedies: ["install bubblewrap"],
    });
  }

  warm(): void {}

  prepare(request: PrepareRequest): Promise<Artifact> {
    const [entrypoint, code] = [...request.files][0] ?? ["index.js", new Uint8Array()];
    return Promise.resolve({ deploymentId: request.deploymentId, entrypoint, code });
  }

  start(artifact: Artifact, spec: StartSpec, signal: AbortSignal): Promise<Instance> {
    const started = createDeferred<Instance>();
    const start: ScriptedStart = {
      spec,
      artifact,
      signal,
      succeed: () => {
        const instance = new ScriptedInstance(`inst_${this.instances.length + 1}`, spec, (call) =>
          this.handler(call),
        );
        this.instances.push(instance);
        started.resolve(instance);
        return instance;
      },
      fail: (exit, log) =>
        started.reject(new StartError(exit, log, `start failed: ${exit.reason}`)),
    };
    this.starts.push(start);
    signal.addEventListener("abort", () => started.reject(signal.reason), { once: true });
    if (this.startFailure !== undefined) start.fail(this.startFailure.exit, this.startFailure.log);
    else if (this.startsByItself) start.succeed();
    return started.promise;
  }

  close(): Promise<void> {
    for (const instance of this.instances) instance.die({ reason: "stopped" });
    return Promise.resolve();
  }
}
