import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startAdminServer } from "../admin/testing/admin-server.ts";
import { adminKey, createRecordingControl } from "../admin/testing/recording-control.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { openJournal } from "../journal/open-journal.ts";
import { createClient } from "./client.ts";

const functionId = "fn_1";

test("10,000 journalled lines arrive once and in order over lost connections", async () => {
  const path = await mkdtemp(join(tmpdir(), "reactor-follow-"));
  const journal = await openJournal({ path, clock: systemClock, log: silentLog });
  const control = createRecordingControl();
  control.answer("logs.follow", ({ afterSeq, signal }) =>
    journal.follow({ functionId, ...(afterSeq === undefined ? {} : { afterSeq }) }, signal),
  );
  const server = await startAdminServer(control);
  try {
    const total = 10_000;
    const block = 2500;
    const append = (after: number): void => {
      for (let i = after + 1; i <= after + block; i++) {
        journal.log({
          atMs: i,
          level: "info",
          source: "log",
          functionId,
          deploymentId: "dep_1",
          invocationId: undefined,
          requestId: undefined,
          message: `line ${i}`,
        });
      }
    };
    append(0);
    const client = createClient({
      url: server.url,
      key: adminKey,
      clock: { sleep: (ms, signal) => systemClock.sleep(ms < 45_000 ? 1 : ms, signal) },
    });
    const messages: string[] = [];
    for await (const { message } of client.followLogs("hello")) {
      messages.push(message);
      if (messages.length === total) break;
      if (messages.length === block / 2) server.cutConnections();
      if (messages.length % block === 0) {
        server.cutConnections();
        append(messages.length);
      }
    }
    expect(messages).toEqual(Array.from({ length: total }, (_, i) => `line ${i + 1}`));
    expect(journal.dropped.lines).toBe(0);
  } finally {
    await server[Symbol.asyncDispose]();
    await journal.close();
    await rm(path, { recursive: true, force: true });
  }
}, 120_000);
