import type { TestServer } from "../e2e/reactor.ts";

/** Creates, deploys and promotes a Python function of one file; throws unless it gets ready. */
export async function deployPython(
  server: TestServer,
  name: string,
  source: string,
  manifest: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const written = { name, runtime: "python", access: "public", ...manifest };
  const files = new Map<string, Uint8Array>([
    ["index.py", Buffer.from(source)],
    ["reactor.json", Buffer.from(JSON.stringify(written))],
  ]);
  const deployment = await server.client.deploy(name, {
    files,
    promote: true,
    createFunction: true,
  });
  if (deployment.status !== "ready") {
    throw new Error(`${name} is ${deployment.status}: ${JSON.stringify(deployment.failure)}`);
  }
}
