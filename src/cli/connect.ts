import { createClient, type ReactorClient } from "../client/client.ts";
import { isLoopbackUrl } from "../client/is-loopback-url.ts";
import { findAdminKey } from "./admin-key.ts";
import type { Environment } from "./environment.ts";
import { UsageError } from "./usage-error.ts";

const defaultUrl = "http://127.0.0.1:8080";

export interface ConnectOptions {
  readonly flags: {
    readonly url: string | undefined;
    readonly key: string | undefined;
    readonly project: string | undefined;
  };
  readonly env: Environment;
  readonly cwd: string;
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
}

function parseUrl(text: string, origin: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && (url.protocol === "http:" || url.protocol === "https:")) return url.origin;
  throw new UsageError(
    `${origin} is ${JSON.stringify(text)}, it must be a URL such as ${defaultUrl}`,
  );
}

/**
 * The client for the server and key that are named first: flag, then environment, then (for a
 * server on this machine only) the admin key file; without any of them calls go out without a key.
 */
export async function connect(options: ConnectOptions): Promise<ReactorClient> {
  const { flags, env, cwd } = options;
  const url = flags.url
    ? parseUrl(flags.url, "--url")
    : parseUrl(env["REACTOR_URL"] || defaultUrl, "REACTOR_URL");
  const key =
    flags.key ??
    (env["REACTOR_API_KEY"] || undefined) ??
    (isLoopbackUrl(url) ? await findAdminKey(env, cwd) : undefined);
  const project = flags.project ?? (env["REACTOR_PROJECT"] || undefined);
  return createClient({ url, key, project, fetch: options.fetch });
}
