import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ReactorClient } from "../src/client/client.ts";
import { deploySource } from "../bench/subjects.ts";

/** Creates, deploys and promotes `soak/handlers/<handler>.ts` as a public function. */
export async function deployHandler(
  client: ReactorClient,
  options: {
    readonly name: string;
    readonly handler: string;
    readonly manifest?: Readonly<Record<string, unknown>>;
  },
): Promise<void> {
  const path = join(import.meta.dirname, "handlers", `${options.handler}.ts`);
  await deploySource(client, options.name, await readFile(path, "utf8"), options.manifest);
}
