import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { ReactorClient } from "../../../client/client.ts";
import { defineCommand } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { clientSource } from "../../typed-client/client-source.ts";
import type { DescribedFunction } from "../../typed-client/described-function.ts";
import { routesDocument } from "../../typed-client/routes-document.ts";

export const clientGenerate = defineCommand({
  name: "client generate",
  summary: "Write a typed client for the functions of the project",
  description:
    "Writes one TypeScript file without dependencies, with a method for each function that is in " +
    "production, and on demand the OpenAPI document of their routes. Types come from the schemas of " +
    "`defineFunction`; where there are none they are `unknown`. A file that is there is replaced.",
  arguments: {},
  options: {
    out: { value: "file", summary: "Where the client goes", default: "reactor-client.ts" },
    openapi: { value: "file", summary: "Write the OpenAPI document of the routes here, as JSON" },
  },
  examples: [
    { command: "reactor client generate --out src/functions.ts", summary: "The typed client" },
    { command: "reactor client generate --openapi openapi.json", summary: "And OpenAPI" },
  ],
  errors: [],
  async run({ output, client, cwd, signal }, _args, options) {
    const reactor = await client();
    const functions = await describe(reactor, signal);
    if (functions.length === 0) {
      throw new CommandFailure("Cannot write a client: no function is in production", {
        next: "reactor deploy",
      });
    }
    await write(path.resolve(cwd, options.out), clientSource(functions));
    const files = [options.out];
    if (options.openapi !== undefined) {
      const document = routesDocument(functions);
      await write(path.resolve(cwd, options.openapi), `${JSON.stringify(document, null, 2)}\n`);
      files.push(options.openapi);
    }
    const names = functions.map(({ name }) => name);
    output.result({ files, functions: names }, () =>
      files.map((file) => `Wrote ${file}`).join("\n"),
    );
    return undefined;
  },
});

async function describe(
  reactor: ReactorClient,
  signal: AbortSignal,
): Promise<readonly DescribedFunction[]> {
  const functions: DescribedFunction[] = [];
  for await (const { name, project, production } of reactor.eachFunction({ signal })) {
    if (production === null) continue;
    const found = await reactor.getDeployment(name, production.deployment_id, { signal });
    const { schemas, manifest } = found;
    functions.push({ name, project, schemas, route: manifest.route, access: manifest.access });
  }
  return functions.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandFailure(`Cannot write ${file}: ${reason}`, { cause });
  });
}
