import type { WorkerView } from "../../control/control-plane.ts";
import type { FunctionLoad } from "../options.ts";
import { projectOf, scriptUrl, type WorkerRequest } from "./worker-request.ts";

const noLoad: FunctionLoad = { instances: 0, running: 0, invocations: 0, errors: 0, durationMs: 0 };

interface LoadedScript {
  readonly worker: WorkerView;
  readonly load: FunctionLoad;
}

/** `GET /scripts`: what is deployed. */
export async function listScripts(call: WorkerRequest): Promise<Response> {
  const scripts = await loadedScripts(call);
  return Response.json({
    scripts: scripts.map(({ worker, load }) => ({
      id: worker.name,
      url: scriptUrl(call, worker.name),
      revision: worker.revision,
      status: statusOf(worker, load),
    })),
  });
}

function statusOf({ enabled }: WorkerView, { instances }: FunctionLoad): string {
  if (!enabled) return "disabled";
  return instances > 0 ? "ready" : "starting";
}

/** `GET /stats`: how the scripts are doing since the server started, in all and each. */
export async function scriptStats(call: WorkerRequest): Promise<Response> {
  const scripts = await loadedScripts(call);
  const sum = (key: "instances" | "running" | "invocations" | "errors"): number =>
    scripts.reduce((total, { load }) => total + load[key], 0);
  return Response.json({
    scripts: scripts.length,
    workers: sum("instances"),
    running: sum("running"),
    invocations: sum("invocations"),
    errors: sum("errors"),
    byScript: Object.fromEntries(
      scripts.map(({ worker, load }) => [
        worker.name,
        {
          workers: load.instances,
          running: load.running,
          invocations: load.invocations,
          errors: load.errors,
          averageMs: averageMs(load),
        },
      ]),
    ),
  });
}

function averageMs({ invocations, durationMs }: FunctionLoad): number {
  return invocations === 0 ? 0 : Math.round((durationMs / invocations) * 100) / 100;
}

/** `GET /health`: whether the server works; for anybody. */
export function workerHealth({ services }: WorkerRequest): Response {
  return Response.json({ status: services.health().status, version: services.version });
}

async function loadedScripts(call: WorkerRequest): Promise<readonly LoadedScript[]> {
  const { services, caller } = call;
  const workers = await services.control.execute(
    "workers.list",
    { project: projectOf(call) },
    caller,
  );
  const loads = services.loads();
  return workers.map((worker) => ({ worker, load: loads.get(worker.functionId) ?? noLoad }));
}
