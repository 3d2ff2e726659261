import { projectOf, type WorkerRequest } from "./worker-request.ts";

/** `DELETE /delete/{id}`: the worker ends at once, and so do its calls. */
export async function deleteScript(call: WorkerRequest): Promise<Response> {
  const { services, caller, id } = call;
  const input = { project: projectOf(call), function: id, isolation: "worker" } as const;
  const deleted = await services.control.execute("functions.delete", input, caller);
  return Response.json({ status: "deleted", id: deleted.name });
}
