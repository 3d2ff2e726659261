/** The parts of Deno's own API that the guest uses; nothing else in the tree may. */
export interface DenoApi {
  readonly version: { readonly deno: string };
  readonly pid: number;
  readonly env: DenoEnv;
  readonly permissions: {
    revoke(descriptor: {
      readonly name: "read" | "write";
      readonly path: string;
    }): Promise<unknown>;
  };
  readonly stdout: DenoOutput;
  readonly stderr: DenoOutput;
  readonly errors: Readonly<
    Record<"PermissionDenied" | "NotFound" | "NotSupported", ErrorConstructor>
  >;
  exit(code?: number): never;
  connect(options: DenoConnectOptions): Promise<DenoConnection>;
  connectTls(options: DenoTlsOptions): Promise<DenoConnection>;
  startTls(connection: DenoConnection, options: DenoTlsOptions): Promise<DenoConnection>;
  resolveDns(query: string, type: string, options?: unknown): Promise<unknown>;
  listen(options: { readonly hostname: string; readonly port: number }): DenoListener;
  createHttpClient(options: DenoHttpClientOptions): object;
  memoryUsage(): { readonly heapUsed: number; readonly external: number };
  readonly internal: symbol;
}

export interface DenoHttpClientOptions {
  readonly proxy?: {
    readonly url: string;
    readonly basicAuth?: { readonly username: string; readonly password: string };
  };
  readonly [option: string]: unknown;
}

export interface DenoEnv {
  get(key: string): string | undefined;
  has(key: string): boolean;
  set(key: string, value: unknown): void;
  delete(key: string): void;
  toObject(): Record<string, string>;
}

export interface DenoOutput {
  write(bytes: Uint8Array): Promise<number>;
  writeSync(bytes: Uint8Array): number;
}

export interface DenoConnectOptions {
  readonly transport?: "tcp" | "unix" | "vsock" | undefined;
  readonly hostname?: string | undefined;
  readonly port?: number | undefined;
  readonly path?: string | undefined;
}

export interface DenoTlsOptions extends DenoConnectOptions {
  readonly [option: string]: unknown;
}

export interface DenoConnection {
  readonly remoteAddr: { readonly port?: number };
  read(buffer: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

export interface DenoListener {
  readonly addr: { readonly port: number };
  accept(): Promise<DenoConnection>;
  close(): void;
}

/** What Deno keeps behind `Deno[Deno.internal]`; the guest uses its formatter. */
export interface DenoInternals {
  readonly Console: new (print: (text: string) => void) => DenoConsole;
}

export interface DenoConsole {
  log(...args: unknown[]): void;
  dir(value: unknown, options?: unknown): void;
  table(rows: unknown, columns?: readonly string[]): void;
}

interface DenoScope {
  readonly Deno: DenoApi & { readonly [internal: symbol]: DenoInternals };
}

/** The runtime that this guest runs in. */
export const deno: DenoScope["Deno"] = Reflect.get(globalThis, "Deno");
