import type { ReactorError } from "../../src/domain/errors.ts";
import { Invocation } from "../../src/serving/invocation.ts";
import type { InvocationListener } from "../../src/serving/invocation-contract.ts";
import type { Route } from "../../src/serving/route-table.ts";
import type { RunningServing } from "../../src/serving/create-serving.ts";
import type { GuestScript } from "./guest-script.ts";
import { scriptUrl } from "./guest-script.ts";
import type { FunctionModel } from "./model/function-model.ts";

/** What a client asks for. */
export interface Question {
  readonly id: string;
  readonly model: FunctionModel;
  /** Alias name, or revision number in decimal. */
  readonly selector: string;
  readonly script: GuestScript;
  /** The request body in the parts that it is sent in; the first goes with the head. */
  readonly body: readonly Buffer[];
  readonly sentAtMs: number;
  /** Whether nothing else ran, waited or started when it was sent. */
  readonly alone: boolean;
  /** Whether the client takes a while over each chunk. */
  readonly slowReaderMs: number;
}

/** What a client was told about its request, and when. */
export type Ending =
  | { readonly kind: "answered"; readonly status: number; readonly body: string }
  | { readonly kind: "failed"; readonly error: ReactorError; readonly status: number | undefined }
  | { readonly kind: "cancelled" };

/** What the client hears; the world judges it. */
export interface AskedEvents {
  ended(asked: Asked, ending: Ending): void;
  /** Something was heard that may not be. */
  wrong(asked: Asked, what: string): void;
  /** Calls back once the client has taken the bytes. */
  later(ms: number, callback: () => void): void;
}

/** One request of a client: sends its body as there is room, takes the answer, remembers how it ended. */
export class Asked implements InvocationListener {
  readonly question: Question;
  readonly invocation: Invocation;
  ending: Ending | undefined;
  endedAtMs = 0;
  /** When a start of a deployment that it waited for was under way for the last time. */
  startSeenMs = 0;
  /** The longest queue_ms, in milliseconds, of the deployments that it waited for. */
  queueMsMax = 0;
  /** What the fields that matter may have held while it was under way. */
  readonly seen: ReadonlyMap<string, ReadonlySet<string>>;
  readonly #events: AskedEvents;
  readonly #forget: () => void;
  #parts: readonly Buffer[];
  #status: number | undefined;
  #body: Buffer[] = [];

  constructor(options: {
    readonly question: Question;
    readonly serving: RunningServing;
    readonly route: Route;
    readonly events: AskedEvents;
  }) {
    const { question, serving, route } = options;
    const [first, ...rest] = question.body;
    this.question = question;
    this.#events = options.events;
    this.#parts = rest;
    const { seen, forget } = watchFields(question);
    this.seen = seen;
    this.#forget = forget;
    this.invocation = new Invocation(
      serving.context,
      {
        invocationId: question.id,
        requestId: `req of ${question.id}`,
        method: "POST",
        url: scriptUrl(question.script),
        caller: "",
        headers: [],
        route,
        body: first,
        complete: rest.length === 0,
        receivedAtMs: question.sentAtMs,
      },
      this,
    );
  }

  get open(): boolean {
    return this.ending === undefined;
  }

  /** The client leaves; nothing may be heard after it. */
  cancel(): void {
    if (!this.open) return;
    this.#end({ kind: "cancelled" });
    this.invocation.cancel("the client left");
  }

  /** The server crashed under it; whatever was to come never will. */
  lost(): void {
    this.#forget();
  }

  head(status: number): void {
    if (this.#status !== undefined || !this.open) this.#wrong("a head");
    this.#status = status;
  }

  data(chunk: Buffer): void {
    if (this.#status === undefined || !this.open) this.#wrong("a chunk");
    this.#body.push(Buffer.from(chunk));
    const { length } = chunk;
    const { slowReaderMs } = this.question;
    if (slowReaderMs === 0) this.invocation.consumed(length);
    else this.#events.later(slowReaderMs, () => this.invocation.consumed(length));
  }

  end(): void {
    if (this.#status === undefined || !this.open) this.#wrong("an end");
    const body = Buffer.concat(this.#body).toString();
    this.#end({ kind: "answered", status: this.#status ?? 0, body });
  }

  failed(error: ReactorError, stack: string | undefined): void {
    if (!this.open) this.#wrong(`${error.code} (${stack ?? "no stack"})`);
    this.#end({ kind: "failed", error, status: this.#status });
  }

  drained(): void {
    if (!this.open) this.#wrong("room for its body");
    while (this.#parts.length > 0) {
      const [part, ...rest] = this.#parts;
      this.#parts = rest;
      if (part !== undefined && !this.invocation.write(part)) break;
    }
    if (this.#parts.length === 0) this.invocation.endBody();
  }

  #wrong(what: string): void {
    this.#events.wrong(this, what);
  }

  #end(ending: Ending): void {
    if (this.ending !== undefined) return;
    this.ending = ending;
    this.#forget();
    this.#body = [];
    this.#events.ended(this, ending);
  }
}

/** Watches the fields of the function that decide who may answer. */
function watchFields({ model, selector }: Question) {
  const alias = model.aliases.get(selector);
  const watched = [
    ["state", model.state] as const,
    ["enabled", model.enabled] as const,
    ...(alias === undefined ? [] : [["alias", alias] as const]),
    ...[...model.env].map(([key, register]) => [key, register] as const),
  ];
  const seen = new Map(watched.map(([name, register]) => [name, register.watch()]));
  const forget = (): void => {
    for (const [name, register] of watched) {
      const set = seen.get(name);
      if (set !== undefined) register.unwatch(set);
    }
  };
  return { seen, forget };
}
