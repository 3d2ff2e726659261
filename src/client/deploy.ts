import { zipSync } from "fflate";
import { bundleClaim } from "./bundle-claim.ts";
import type { DeploymentResource } from "./resources.ts";
import { unreadResponseError } from "./response-error.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface DeployInput {
  /** Source files by path below the bundle's root, forward slashes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Promote when ready; false by default. */
  readonly promote?: boolean | undefined;
  /** Create the function when it does not exist; false by default. */
  readonly createFunction?: boolean | undefined;
}

/**
 * Of fflate's levels the fastest that still packs: for 5 MB of code it takes half the time of the
 * default and gives one or two per cent more bytes.
 */
const level = 1;
/** A fixed time inside what zip can express, so that equal files make equal archives. */
const entryTime = "1990-01-01T00:00:00Z";

/** Zips and uploads files; resolves with the deployment, ready or failed. */
export async function deploy(
  transport: Transport,
  name: string,
  input: DeployInput,
  options: CallOptions = {},
): Promise<DeploymentResource> {
  const { files, promote = false, createFunction = false } = input;
  const claim = await bundleClaim(files);
  const query = new URLSearchParams({
    ...(promote ? { promote: "true" } : {}),
    ...(createFunction ? { create: "true" } : {}),
  });
  const path = `/api/v1/functions/${encodeURIComponent(name)}/deployments`;
  const request = new Request(`${transport.url}${path}?${query.toString()}`, {
    method: "POST",
    headers: transport.headers({
      "Content-Type": "application/zip",
      ...(claim === undefined ? {} : { "X-Reactor-Bundle-Sha256": claim }),
    }),
    body: new Uint8Array(zipSync(Object.fromEntries(files), { mtime: entryTime, level })),
    signal: options.signal ?? null,
  });
  return transport.take(uploaded(transport, request), options);
}

async function uploaded(
  transport: Transport,
  request: Request,
): Promise<{ data: DeploymentResource; response: Response }> {
  const response = await transport.send(request);
  if (!response.ok) throw await unreadResponseError(response, transport.url);
  const data: DeploymentResource = await response.json();
  return { data, response };
}
