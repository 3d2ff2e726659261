import { afterEach, beforeEach, expect, test } from "bun:test";
import { type FSWatcher, watch } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { systemClock } from "../../base/clock.ts";
import { fakeDeployment } from "../../cli/fake-resources.ts";
import { findProject } from "../../cli/find-project.ts";
import { createOutput } from "../../cli/output.ts";
import { createClient } from "../../client/client.ts";
import type { DeploymentResource } from "../../client/resources.ts";
import { DevSession } from "./dev-session.ts";

/** A session on real files whose server answers a deploy when the test says so. */
interface Session {
  /** Resolves once the deploy with this number, from 1, has arrived; called, it answers. */
  readonly deploy: (number: number) => Promise<(answer: DeploymentResource) => void>;
  /** Writes the function and resolves once its folder's watches have told of it. */
  readonly save: (text: string) => Promise<void>;
  /** Resolves with the output once it holds the text. */
  readonly shows: (text: string) => Promise<string>;
}

let root: string;
let ending: AbortController;
let running: Promise<void>;
let watcher: FSWatcher;
const file = (): string => join(root, "functions/a/index.ts");

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "reactor-session-"));
  ending = new AbortController();
  await mkdir(join(root, "functions/a"), { recursive: true });
  await writeFile(file(), "first");
});
afterEach(async () => {
  ending.abort();
  await running;
  watcher.close();
  await rm(root, { recursive: true });
});

async function open(): Promise<Session> {
  const arrived: PromiseWithResolvers<(answer: DeploymentResource) => void>[] = [];
  const numbered = (number: number) => (arrived[number] ??= Promise.withResolvers());
  let deploys = 0;
  const reactor = createClient({
    url: "http://127.0.0.1:1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (!pathname.endsWith("/deployments"))
        return Response.json({ items: [], next_cursor: null });
      const answer = Promise.withResolvers<DeploymentResource>();
      deploys += 1;
      numbered(deploys).resolve(answer.resolve);
      return Response.json(await answer.promise);
    },
  });
  let printed = "";
  let heard = Promise.withResolvers<void>();
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      printed += chunk.toString();
      heard.resolve();
      heard = Promise.withResolvers();
      done();
    },
  });
  const isTTY = { stdin: false, stdout: false, stderr: false };
  const output = createOutput({
    stdout: stream,
    stderr: stream,
    isTTY,
    json: false,
    colours: false,
  });
  const context = { output, cwd: root, signal: ending.signal, clock: systemClock, dataDir: root };
  running = new DevSession(context, findProject(root), reactor).run();
  let told = Promise.withResolvers<void>();
  // Made after the session's own, so that what this one tells the session's has told before.
  watcher = watch(join(root, "functions/a"), () => told.resolve());
  return {
    deploy: (number) => numbered(number).promise,
    save: async (text) => {
      told = Promise.withResolvers();
      await writeFile(file(), text);
      await told.promise;
    },
    shows: async (text) => {
      while (!printed.includes(text)) await heard.promise;
      return printed;
    },
  };
}

const failed = fakeDeployment({
  status: "failed",
  failure: { code: "bundle_invalid", message: "half of it", log: "" },
});

test("what half a save broke is not said when the other half is there", async () => {
  const { deploy, save, shows } = await open();
  const answerHalf = await deploy(1);
  await save("whole");
  answerHalf(failed);
  (await deploy(2))(fakeDeployment({ revision: 2 }));
  expect(await shows("live")).not.toContain("half of it");
});

test("it is said when the file was only saved again as it was", async () => {
  const { deploy, save, shows } = await open();
  const answer = await deploy(1);
  await save("first");
  answer(failed);
  expect(await shows("half of it")).toContain("failed  a: half of it");
});

test("a mistake that nothing followed is said at once", async () => {
  const { deploy, shows } = await open();
  (await deploy(1))(failed);
  expect(await shows("half of it")).toContain("failed  a: half of it");
});
