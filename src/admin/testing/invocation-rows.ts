import { expect } from "bun:test";
import type { RouteRow } from "./route-row.ts";

const time = "2026-11-21T10:00:00.000Z";

/** The operations about invocations. */
export const invocationRows: readonly RouteRow[] = [
  {
    id: "listInvocations",
    method: "GET",
    path: "/invocations?function=hello&request_id=r&limit=3",
    command: "invocations.list",
    input: { project: "default", function: "hello", requestId: "r", limit: 3 },
    answer: { items: [{ id: "inv_1", cold: true, error_code: null }] },
  },
  {
    id: "getInvocation",
    method: "GET",
    path: "/invocations/inv_1",
    command: "invocations.get",
    input: { project: "default", id: "inv_1" },
    answer: { id: "inv_1", started_at: time, duration_ms: 1.5, state: "succeeded", queued: null },
  },
  {
    id: "getInvocationRequest",
    method: "GET",
    path: "/invocations/inv_1/request",
    command: "invocations.request",
    input: { project: "default", id: "inv_1" },
    answer: { method: "POST", headers: [["content-type", "application/json"]], body: { n: 1 } },
  },
  {
    id: "editInvocation",
    method: "PATCH",
    path: "/invocations/inv_1/request",
    body: { json: { n: 2 } },
    command: "invocations.edit",
    input: { project: "default", id: "inv_1", body: Buffer.from('{"n":2}') },
    answer: { id: "inv_1", state: "dead", queued: { result: { body: { ok: false } } } },
    wrong: { body: { base64: "%" }, pointer: "" },
  },
  {
    id: "retryInvocation",
    method: "POST",
    path: "/invocations/inv_1/retry",
    command: "invocations.retry",
    input: { project: "default", id: "inv_1" },
    answer: { id: "inv_1", attempt: 3 },
  },
  {
    id: "retryDeadInvocations",
    method: "POST",
    path: "/functions/hello/retry-dead",
    command: "invocations.retryDead",
    input: { project: "default", function: "hello" },
    answer: { retried: 3 },
  },
  {
    id: "listSchedules",
    method: "GET",
    path: "/schedules?function=hello",
    command: "schedules.list",
    input: { project: "default", function: "hello" },
    answer: { items: [{ function: "hello", payload: { n: 1 }, catch_up: "once" }] },
  },
  {
    id: "runSchedules",
    method: "POST",
    path: "/functions/hello/run-schedules",
    body: { index: 1 },
    command: "schedules.run",
    input: { project: "default", function: "hello", index: 1 },
    answer: { items: [{ id: "inv_1" }] },
    wrong: { body: { index: -1 }, pointer: "/index" },
  },
  {
    id: "listHooks",
    method: "GET",
    path: "/hooks?point=pre-backup",
    command: "hooks.list",
    input: { project: "default", point: "pre-backup" },
    answer: { items: [{ function: "hello", point: "pre-backup", hook_order: 3, enabled: true }] },
  },
  {
    id: "runHooks",
    method: "POST",
    path: "/hooks/pre-backup",
    body: { projectId: "prj-7" },
    command: "hooks.run",
    input: {
      project: "default",
      point: "pre-backup",
      context: { projectId: "prj-7" },
      requestId: expect.stringMatching(/^req_/),
    },
    answer: { point: "pre-backup", results: [{ state: "succeeded", body: { n: 1 } }] },
    wrong: { body: { projectId: "prj-7", backupId: "b-1" }, pointer: "/backupId" },
  },
];
