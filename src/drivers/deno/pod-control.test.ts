import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PodControl } from "./pod-control.ts";
import type { PodReport } from "./pod-messages.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-"));
let sockets = 0;
const open: { server: Server; pod: Socket }[] = [];

afterEach(() => {
  for (const { server, pod } of open.splice(0)) {
    pod.destroy();
    server.close();
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Heard {
  readonly reports: PodReport[];
  /** Resolves when the control gave the pod up, with why, or undefined when it only closed. */
  readonly end: Promise<string | undefined>;
}

/** A pod that says these pieces, and what the host heard. */
async function said(...pieces: readonly string[]): Promise<Heard> {
  const path = join(folder, String(sockets++));
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer((socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const pod = connect(path);
  open.push({ server, pod });
  const reports: PodReport[] = [];
  const end = Promise.withResolvers<string | undefined>();
  const control = new PodControl(await accepted.promise, {
    report: (report) => reports.push(report),
    broken: (error) => end.resolve(error.message),
    closed: () => end.resolve(undefined),
  });
  control.send({ type: "end", worker: 1 });
  for (const piece of pieces) pod.write(piece);
  pod.end();
  pod.resume();
  return { reports, end: end.promise };
}

test("reports arrive whole however they are cut", async () => {
  const heard = await said(
    '{"type":"rea',
    'dy"}\n{"type":"ended","worker":3,"end":{"code":5}}\n',
    '{"type":"memory","workers":[[1,2048,0],[2,4096,1]]}\n',
  );
  expect(await heard.end).toBeUndefined();
  expect(heard.reports).toEqual([
    { type: "ready" },
    { type: "ended", worker: 3, end: { code: 5 } },
    {
      type: "memory",
      workers: [
        [1, 2048, 0],
        [2, 4096, 1],
      ],
    },
  ]);
});

test.each([
  ["no JSON", "nonsense\n"],
  ["no object", "7\n"],
  ["an unknown type", '{"type":"start"}\n'],
  ["an end of no worker", '{"type":"ended","worker":"1","end":{"code":1}}\n'],
  ["an end that is none", '{"type":"ended","worker":1,"end":{"signal":"SIGKILL"}}\n'],
  ["a size that is none", '{"type":"memory","workers":[[1,"big",0]]}\n'],
  ["a line without an end", "x".repeat(300_000)],
])("a pod that sends %s is given up", async (_what, text) => {
  const heard = await said(text);
  expect(await heard.end).toStartWith("A pod sent ");
  expect(heard.reports).toEqual([]);
});
