import { AssertionError } from "node:assert";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestPackage } from "../../src/dependencies/package-archive.harness.ts";
import {
  type RegistryServer,
  startRegistry,
} from "../../src/dependencies/registry-server.harness.ts";
import { type RunResult, root, startServer, type TestServer, until } from "../e2e/reactor.ts";

/** A server, a home folder to type in, and what earlier entries of the same source left behind. */
export interface World {
  readonly server: TestServer;
  /** Where commands are typed. */
  readonly home: string;
  /** Values for placeholders, by name. */
  readonly values: Map<string, string>;
  /** An HTTP server that functions may reach; it answers every request with `{ path, method, body }`. */
  readonly upstream: string;
  /** Where functions' npm packages come from; it has `somePackage` and nothing else. */
  readonly registry: RegistryServer;
  /** Types one command line into a shell; throws unless it ends with 0. Returns what it printed. */
  readonly type: (line: string, stdin?: string) => Promise<string>;
  /** Types it, waits until it printed the text while `meanwhile` runs, and presses Ctrl-C. */
  readonly follow: (line: string, text: string, meanwhile: () => Promise<unknown>) => Promise<void>;
  /** Writes a file below the home folder. */
  readonly write: (path: string, text: string) => Promise<void>;
  /** A request with the admin key; a body that is given is sent as JSON. */
  readonly call: (method: string, path: string, body?: unknown) => Promise<Response>;
}

export interface OpenWorld extends World {
  readonly close: () => Promise<void>;
}

/** The one package that a world's registry has. */
export const somePackage: TestPackage = {
  name: "slugify-title",
  version: "1.4.0",
  files: { "index.js": "module.exports = (text) => text.toLowerCase().replaceAll(' ', '-');" },
};

/** Starts a server of its own; `config` is the text of its reactor.toml. */
export async function openWorld(config: string): Promise<OpenWorld> {
  const home = await mkdtemp(join(tmpdir(), "reactor-typed-"));
  const upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: echo });
  const registry = await startRegistry([somePackage]);
  await writeFile(join(home, "reactor.toml"), config);
  await mkdir(join(home, ".bin"));
  // The text says `flux` where the command is `reactor` here.
  for (const name of ["reactor", "flux"]) {
    await symlink(join(root, "bin/reactor"), join(home, ".bin", name));
  }
  const server = await startServer({
    runtimes: "all",
    microvms: true,
    args: ["--config", join(home, "reactor.toml")],
    env: {
      REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${upstream.port}`,
      REACTOR_FUNCTIONS_NPM_REGISTRY: registry.url,
    },
  });
  const spawn = (line: string, stdin: string) =>
    Bun.spawn(["sh", "-c", `exec ${line.replace(/^\$ /, "")}`], {
      cwd: home,
      env: {
        PATH: `${join(home, ".bin")}:/usr/local/bin:/usr/bin:/bin`,
        NO_COLOR: "1",
        REACTOR_URL: server.url,
        REACTOR_API_KEY: server.key,
      },
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    });
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  };
  return {
    server,
    home,
    values: new Map(),
    registry,
    upstream: `http://127.0.0.1:${upstream.port}`,
    type: async (line, stdin = "") => typed(line, await ended(spawn(line, stdin))),
    async follow(line, text, meanwhile) {
      const child = spawn(line, "");
      let printed = "";
      const reading = (async () => {
        for await (const chunk of child.stdout) printed += new TextDecoder().decode(chunk);
      })();
      await meanwhile();
      await until(`"${line}" prints ${text}`, () => printed.includes(text));
      child.kill("SIGINT");
      await reading;
      typed(line, {
        code: await child.exited,
        stdout: printed,
        stderr: await new Response(child.stderr).text(),
      });
    },
    write,
    call: (method, path, body) =>
      server.fetch(path, {
        method,
        headers: {
          authorization: `Bearer ${server.key}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    async close() {
      await server.stop();
      await upstream.stop(true);
      await registry.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

async function echo(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  return Response.json({ path: pathname, method: request.method, body: await request.text() });
}

async function ended(child: ReturnType<typeof Bun.spawn>): Promise<RunResult> {
  const { stdout, stderr } = child;
  if (!(stdout instanceof ReadableStream) || !(stderr instanceof ReadableStream)) {
    throw new Error("The command was started without pipes");
  }
  const [out, err] = await Promise.all([new Response(stdout).text(), new Response(stderr).text()]);
  return { code: await child.exited, stdout: out, stderr: err };
}

function typed(line: string, { code, stdout, stderr }: RunResult): string {
  if (code === 0) return stdout;
  throw new AssertionError({ message: `$ ${line}\nended with ${code}\n${stdout}${stderr}` });
}
