import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { integrityOf, packageArchive, type TestPackage } from "./package-archive.harness.ts";

export interface RegistryServer {
  readonly url: string;
  readonly port: number;
  /** Paths that were asked for, in order. */
  readonly asked: readonly {
    readonly path: string;
    readonly headers: IncomingMessage["headers"];
  }[];
  /** Entries of a package-lock.json for these packages, by folder. */
  lockEntry(pack: TestPackage, more?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  close(): Promise<void>;
}

/** Answers a request itself; false leaves it to the registry. */
type Intercept = (path: string, response: ServerResponse) => boolean;

/** Starts a registry on loopback that has these packages and nothing else. */
export async function startRegistry(
  packages: readonly TestPackage[],
  intercept: Intercept = () => false,
): Promise<RegistryServer> {
  const archives = new Map(packages.map((pack) => [pathOf(pack), packageArchive(pack)]));
  const asked: { path: string; headers: IncomingMessage["headers"] }[] = [];
  const server: Server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push({ path, headers: request.headers });
    if (intercept(path, response)) return;
    const archive = archives.get(path);
    response.statusCode = archive === undefined ? 404 : 200;
    response.end(archive ?? "not found");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    lockEntry: (pack, more = {}) => ({
      version: pack.version,
      integrity: integrityOf(packageArchive(pack)),
      ...more,
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Where a registry has the package. */
export function pathOf({ name, version }: Pick<TestPackage, "name" | "version">): string {
  return `/${name}/-/${name.slice(name.indexOf("/") + 1)}-${version}.tgz`;
}
