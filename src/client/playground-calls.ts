import type { Isolation, Runtime } from "../domain/manifest.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** The request that a draft gets, in place of an event. */
export interface DraftRequestInput {
  /** `POST` with a body, else `GET`, when absent. */
  readonly method?: string | undefined;
  /** Path and query; `/` when absent. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
}

export interface RunDraftInput {
  /** Files by path below the bundle's root. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** The manifest's, else `bun`, when absent. */
  readonly runtime?: Runtime | "javascript" | "typescript" | undefined;
  readonly isolation?: Isolation | undefined;
  /** Any JSON value, sent by POST; `{}` when absent. */
  readonly event?: unknown;
  readonly request?: DraftRequestInput | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly secrets?: Readonly<Record<string, string>> | undefined;
}

/** Calls about code that is not deployed. */
export function playgroundCalls({ api, take }: Transport) {
  return {
    runPlayground: (input: RunDraftInput, options: CallOptions = {}) => {
      const { files, request, runtime, isolation, event, env, secrets } = input;
      const entries = [...files].map(([path, bytes]) => [path, contentOf(bytes)] as const);
      const body = {
        files: Object.fromEntries(entries),
        ...present({ runtime, isolation, event, env, secrets }),
        ...(request === undefined ? {} : { request: requestOf(request) }),
      };
      return take(api.POST("/api/v1/playground/run", { body, ...signalOf(options) }), options);
    },
  };
}

/** What is not undefined. */
function present<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

function requestOf({ method, path, headers, body }: DraftRequestInput) {
  const content = body === undefined || typeof body === "string" ? body : contentOf(body);
  return present({ method, path, headers, body: content });
}

/** Text as it is, anything else in base64. */
function contentOf(bytes: Uint8Array): string | { base64: string } {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8.
    return { base64: btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")) };
  }
}
