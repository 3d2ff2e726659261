/**
 * JSON payloads of the connection's own frames (stream 0) and of `failure`, shared by the guest
 * half and the host half of every JavaScript driver. Types only: the host parses what it receives.
 */

/** First frame of the guest. */
export interface GuestHello {
  readonly version: number;
  readonly runtime: string;
  readonly runtimeVersion: string;
  /** Process id as the guest sees it, inside its own namespace. */
  readonly pid: number;
}

/** First frame of the host. */
export interface HostHello {
  readonly version: number;
}

export interface ConfigureLimits {
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly bodyOutBytesMax: number;
  /** How long `waitUntil` promises may go on after `drain`; 30 s when absent. */
  readonly waitUntilMs?: number | undefined;
}

/** JSON part of `configure` (`jsonLength:u32le json code`); `code` is one ES module in UTF-8. */
export interface ConfigureMessage {
  readonly functionName: string;
  readonly functionId: string;
  readonly deploymentId: string;
  readonly revision: number;
  /** Path of the module below the bundle's root, for messages and stack traces. */
  readonly entrypoint: string;
  /** Parts of the runtime that the code may reach, as `reachableParts` found; absent means all. */
  readonly reaches?: readonly string[] | undefined;
  /** Export that the manifest names. */
  readonly handler?: string | undefined;
  /** Shape that the deployment recorded; absent when it is about to. */
  readonly shape?: string | undefined;
  /** Only the keys the function may see. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly limits: ConfigureLimits;
  /** Whether the server runs in dev mode. */
  readonly dev: boolean;
  /** It began as a copy of another guest's memory, and must draw its own randomness again. */
  readonly clone?: true;
  /**
   * It is to load the module, say that it is ready, and serve nothing: it will be copied, and each copy
   * gets another `configure`, without code, after which it serves.
   */
  readonly template?: true;
}

/** Handler shapes that the JavaScript guest serves. */
export type HandlerShape = "fetch" | "define_function" | "function" | "event";

/** Answer to `configure` when the module is imported and can serve. */
export interface ReadyMessage {
  readonly shape: HandlerShape;
  /** JSON Schemas of what `defineFunction` was given, where there are any. */
  readonly input?: unknown;
  readonly output?: unknown;
}

/** `failure` on stream 0; the guest exits right after it (70; `load_failed` with 65). */
export interface GuestFailure {
  readonly kind: "load_failed" | "uncaught";
  /** At most 4 KiB. */
  readonly message: string;
  /** At most 16 KiB. */
  readonly stack?: string | undefined;
}

/** `failure` on a request's stream; ends it. */
export type RequestFailure =
  | {
      /** The handler threw, or returned something unusable, before the head. */
      readonly kind: "threw";
      readonly message: string;
      readonly stack?: string | undefined;
    }
  | {
      /** The body failed after the head was sent. */
      readonly kind: "body_failed";
      readonly message: string;
      readonly stack?: string | undefined;
    }
  | { readonly kind: "cancelled"; readonly message: string };

/** JSON of `open`: the guest wants a byte stream to the outside, or the addresses of a name. */
export interface OpenMessage {
  readonly host: string;
  /** Absent for a lookup. */
  readonly port?: number;
  readonly lookup?: true;
}

/** JSON of `opened`; `error` refuses. After a lookup the stream is closed. */
export interface OpenedMessage {
  /** Of a name that was looked up. */
  readonly addresses?: readonly string[] | undefined;
  /** `egress_denied`: refused by rule; `egress_limit`: too many; anything else: could not connect. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** JSON of `call`: the guest asks the platform. */
export interface CallMessage {
  readonly method: string;
  readonly invocation: string;
  readonly request: string;
  /** Absent: their JSON follows as bytes of the stream, to its end. */
  readonly params?: unknown;
}

/** JSON of `reply`. */
export interface ReplyMessage {
  readonly result?: unknown;
  /** The result's JSON came before, as bytes of the stream. */
  readonly streamed?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}
