import type {
  FunctionCaller,
  FunctionContext,
  FunctionDatabase,
  FunctionLog,
  FunctionSecrets,
} from "../../../sdk/index.ts";
import type { Clock } from "../../base/clock.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { CallPlatform } from "./call-platform.ts";
import { renderArguments } from "./console-capture.ts";
import { createFunctionDatabase } from "./function-database.ts";
import { type LogLevelCode, logLevelCode } from "./log-output.ts";
import type { LogOwner } from "./log-scope.ts";
import type { ConfigureMessage } from "./messages.ts";
import type { GuestPlatform } from "./platform.ts";
import type { SignalSource } from "./web-request.ts";

/** What all contexts of one instance share. */
export interface ContextShared {
  readonly configured: ConfigureMessage;
  readonly platform: GuestPlatform;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: FunctionSecrets;
  readonly call: CallPlatform;
  waitUntil(owner: LogOwner, promise: PromiseLike<unknown>): void;
}

/**
 * `ctx`. One is made per request, so members that need a closure make it when they are first read;
 * all of them may be destructured.
 */
export class InvocationContext implements FunctionContext {
  readonly #shared: ContextShared;
  readonly #head: RequestHead;
  readonly #owner: LogOwner & SignalSource;
  #log: FunctionLog | undefined;
  #db: FunctionDatabase | undefined;

  constructor(shared: ContextShared, head: RequestHead, owner: LogOwner & SignalSource) {
    this.#shared = shared;
    this.#head = head;
    this.#owner = owner;
  }

  get signal(): AbortSignal {
    return this.#owner.signal;
  }

  get requestId(): string {
    return this.#head.requestId;
  }

  get invocationId(): string {
    return this.#head.invocationId;
  }

  get attempt(): number {
    return Number(this.#platformHeader("x-reactor-attempt") ?? 1);
  }

  get params(): Readonly<Record<string, string>> {
    const values = new URLSearchParams(this.#platformHeader("x-reactor-route-params") ?? "");
    return Object.freeze(Object.fromEntries(values));
  }

  get functionName(): string {
    return this.#shared.configured.functionName;
  }

  get deploymentId(): string {
    return this.#shared.configured.deploymentId;
  }

  get revision(): number {
    return this.#shared.configured.revision;
  }

  get deadline(): number {
    return this.#head.deadlineMs;
  }

  get remainingMs(): () => number {
    return () => Math.max(0, this.#head.deadlineMs - this.#shared.clock.now());
  }

  get log(): FunctionLog {
    this.#log ??= createFunctionLog(this.#shared.platform, this.#owner);
    return this.#log;
  }

  get env(): Readonly<Record<string, string>> {
    return this.#shared.env;
  }

  get secrets(): FunctionSecrets {
    return this.#shared.secrets;
  }

  get waitUntil(): (promise: PromiseLike<unknown>) => void {
    return (promise) => this.#shared.waitUntil(this.#owner, promise);
  }

  get caller(): FunctionCaller | undefined {
    if (this.#head.caller === "") return undefined;
    const caller: FunctionCaller = JSON.parse(this.#head.caller);
    return caller;
  }

  get memoryLimitMB(): number {
    return this.#shared.configured.limits.memoryMb;
  }

  get timeoutMs(): number {
    return this.#shared.configured.limits.timeoutMs;
  }

  /** A header that no client can send. */
  #platformHeader(wanted: string): string | undefined {
    const { headers } = this.#head;
    const at = headers.findIndex((name, n) => n % 2 === 0 && name.toLowerCase() === wanted);
    return at < 0 ? undefined : headers[at + 1];
  }

  get db(): FunctionDatabase {
    this.#db ??= createFunctionDatabase(this.#shared.call, this.#head);
    return this.#db;
  }
}

function createFunctionLog(platform: GuestPlatform, owner: LogOwner): FunctionLog {
  const writer =
    (level: LogLevelCode) =>
    (...args: readonly unknown[]): void =>
      owner.logScope.log(level, renderArguments(platform, args));
  return Object.assign(writer(logLevelCode.info), {
    debug: writer(logLevelCode.debug),
    info: writer(logLevelCode.info),
    warn: writer(logLevelCode.warn),
    error: writer(logLevelCode.error),
  });
}

/** `ctx.secrets` of a function; `get` of a missing key throws an error that names it. */
export function createFunctionSecrets(
  configured: Pick<ConfigureMessage, "functionName" | "env" | "secrets">,
): FunctionSecrets {
  const values = new Map(Object.entries(configured.secrets));
  return Object.freeze({
    get(key: string): string {
      const value = values.get(key);
      if (value !== undefined) return value;
      const hint = Object.hasOwn(configured.env, key)
        ? `"${key}" is an env variable: read it from ctx.env`
        : `set it with \`reactor functions env set ${configured.functionName} ${key} --secret\`, or for its whole project with \`reactor secrets set ${key}\`, and name it in the manifest's "secret_keys" when there are any`;
      throw new Error(
        `Cannot read secret "${key}": function "${configured.functionName}" has no such secret; ${hint}`,
      );
    },
  });
}
