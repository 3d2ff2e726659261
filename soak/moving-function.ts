import type { ReactorClient } from "../src/client/client.ts";

/**
 * A function that is promoted from version to version while it is asked. It keeps the order in which
 * versions were asked for and acknowledged, so that every answer can be judged.
 */
export interface MovingFunction {
  readonly name: string;
  /** Moves that the server acknowledged. */
  readonly moves: number;
  /** Promotes another version than the present one: by promote, rollback, or a new deploy. */
  move(how: "promote" | "rollback" | "deploy", to: number): Promise<void>;
  /** What an answer to a request that is sent now may say; call the result when it came. */
  allowed(): () => readonly string[];
}

function sourceOf(version: number): string {
  return `export default { fetch: () => new Response("version ${version}") };`;
}

function filesOf(name: string, version: number, manifest: Readonly<Record<string, unknown>>) {
  const json = JSON.stringify({ name, runtime: "bun", access: "public", ...manifest });
  return new Map([
    ["index.ts", Buffer.from(sourceOf(version))],
    ["reactor.json", Buffer.from(json)],
  ]);
}

/** Deploys `versions` versions and promotes the first. */
export async function createMovingFunction(
  client: ReactorClient,
  options: {
    readonly name: string;
    readonly versions: number;
    readonly manifest: Readonly<Record<string, unknown>>;
  },
): Promise<MovingFunction> {
  const { name, versions, manifest } = options;
  await client.createFunction({ name, runtime: "bun" });
  const ids: string[] = [];
  const deploy = async (version: number, promote: boolean): Promise<string> => {
    const files = filesOf(name, version, manifest);
    const deployment = await client.deploy(name, { files, promote });
    if (deployment.status !== "ready") throw new Error(JSON.stringify(deployment.failure));
    return deployment.id;
  };
  for (let version = 0; version < versions; version++) ids.push(await deploy(version, false));
  await client.promote(name, ids[0]);
  const asked: number[] = [0];
  let acknowledged = 0;
  return {
    name,
    get moves() {
      return acknowledged;
    },
    async move(how, to) {
      const version = to % versions;
      asked.push(version);
      if (how === "deploy") ids[version] = await deploy(version, true);
      else if (how === "promote") await client.promote(name, ids[version]);
      else await client.rollback(name, ids[version]);
      acknowledged = asked.length - 1;
    },
    allowed() {
      const from = acknowledged;
      return () => asked.slice(from).map((version) => `version ${version}`);
    },
  };
}
