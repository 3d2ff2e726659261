import { type PageOptions, pageQuery } from "./paging.ts";
import type { KeyRecipient } from "../domain/backup/key-wrap.ts";
import { unreadResponseError } from "./response-error.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** Given to calls about keys. */
export interface KeyOptions extends CallOptions {
  /** Keys of every project instead of the client's own. */
  readonly allProjects?: boolean | undefined;
}

export interface CreateKeyInput {
  readonly name: string;
  /** E.g. `functions:hello:invoke`, `functions:*:*`. */
  readonly scopes: readonly string[];
  readonly expiresAt?: Date | undefined;
  /** A key for every project instead of the client's own. */
  readonly allProjects?: boolean | undefined;
}

/** A backup while it comes in. */
export interface BackupDownload {
  readonly id: string;
  /** Bytes of the whole archive, when the server says so. */
  readonly bytes: number | undefined;
  /** The archive. May break off: only a check of its content tells that it is whole. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

export interface CreateBackupInput {
  /** Whom to wrap the data key for; absent: it is left out. */
  readonly wrapFor?: KeyRecipient | undefined;
  /** false leaves the functions' databases out; else they are in where Reactor runs them. */
  readonly databases?: boolean | undefined;
}

/** Calls about keys, changes and the server itself. */
export function serverCalls(transport: Transport) {
  const { api, take } = transport;
  return {
    createBackup: (input: CreateBackupInput = {}, options: CallOptions = {}) =>
      createBackup(transport, input, options),
    createKey: (input: CreateKeyInput, options: CallOptions = {}) => {
      const { name, scopes, expiresAt, allProjects } = input;
      const call = api.POST("/api/v1/keys", {
        body: {
          name,
          scopes: [...scopes],
          ...(expiresAt === undefined ? {} : { expires_at: expiresAt.toISOString() }),
        },
        ...keyInit({ ...options, allProjects }),
      });
      return take(call, options);
    },
    listKeys: async (options: KeyOptions = {}) =>
      (await take(api.GET("/api/v1/keys", keyInit(options)), options)).items,
    revokeKey: (id: string, options: KeyOptions = {}) =>
      take(
        api.DELETE("/api/v1/keys/{id}", { params: { path: { id } }, ...keyInit(options) }),
        options,
      ),
    listAudit: (options: PageOptions = {}) =>
      take(
        api.GET("/api/v1/audit", {
          params: { query: pageQuery(options) },
          ...signalOf(options),
        }),
        options,
      ),
    rotateDataKey: (options: CallOptions = {}) =>
      take(api.POST("/api/v1/secrets/rotate-key", signalOf(options)), options),
    health: (options: CallOptions = {}) =>
      take(api.GET("/api/v1/health", signalOf(options)), options),
    system: (options: CallOptions = {}) =>
      take(api.GET("/api/v1/system", signalOf(options)), options),
  };
}

async function createBackup(
  transport: Transport,
  { wrapFor, databases }: CreateBackupInput,
  options: CallOptions,
): Promise<BackupDownload> {
  const { url } = transport;
  const request = new Request(`${url}/api/v1/backup`, {
    method: "POST",
    headers: transport.headers({ "Content-Type": "application/json" }),
    body: JSON.stringify({ wrap_for: wrapFor, databases }),
    ...signalOf(options),
  });
  const response = await transport.send(request);
  if (!response.ok) throw await unreadResponseError(response, url);
  const { body } = response;
  const id = response.headers.get("x-reactor-backup");
  if (id === null || body === null) throw await unreadResponseError(response, url);
  const bytes = response.headers.get("content-length");
  return { id, bytes: bytes === null ? undefined : Number(bytes), body };
}

function keyInit({ signal, allProjects = false }: KeyOptions): {
  signal?: AbortSignal;
  headers?: Record<string, string>;
} {
  return {
    ...signalOf({ signal }),
    ...(allProjects ? { headers: { "X-Reactor-Project": "*" } } : {}),
  };
}
