import { strict as assert } from "node:assert";
import { type RawAnswer, rawExchange } from "../e2e/raw-http.ts";
import type { TestServer } from "../e2e/reactor.ts";
import type { SourceText } from "./source-text.ts";

/** The answer to a GET of / on the function's own host. */
async function onFunctionHost(server: TestServer, slug: string): Promise<RawAnswer> {
  const host = `${slug}.fn.localhost:${server.port}`;
  const key = `authorization: Bearer ${server.key}`;
  const request = `GET / HTTP/1.1\r\nhost: ${host}\r\n${key}\r\nconnection: close\r\n\r\n`;
  const [answer] = (await rawExchange(server.port, request, { answers: 1 })).answers;
  assert.ok(answer);
  return answer;
}

/** The sandbox family's own text. */

export const sandboxFunctions: SourceText = {
  family: "Sandbox runtime",
  file: "function-runtime.txt",
  entries: [
    {
      lines: [5, 5],
      block:
        "Function runtime state describes the currently restored sandbox serving a function revision. When the source sandbox still exists, Function Gateway routes to it directly. When the source sandbox is gone, Function Gateway restores a runtime sandbox from the revision's template and revision-owned volumes.",
      needs: ["runtime status", "sandboxes"],
    },
    {
      lines: [9, 11],
      block: [
        "StateMeaning",
        "idleNo restored runtime sandbox is currently recorded for the active revision",
        "activeA restored runtime sandbox is recorded for the active revision",
      ],
      needs: ["runtime status"],
    },
    {
      lines: [12, 12],
      block: "disabledThe function is disabled and does not serve host traffic",
      needs: ["foundation", "runtime status"],
      async run({ server, call }) {
        await server.deploy("resting", "export default { fetch: () => new Response() };");
        await server.client.updateFunction("resting", { enabled: false });
        assert.equal((await call("GET", "/fn/v1/resting")).status, 503);
      },
    },
    {
      lines: [14, 14],
      block:
        "restart and recycle both delete the current restored runtime sandbox when one exists and clear the runtime mapping. The next function request starts a fresh runtime from the active revision.",
      needs: ["runtime status"],
    },
    {
      lines: [18, 20],
      block: ["GET", "", "/api/v1/functions/{id}/runtime"],
      needs: ["runtime status"],
    },
    {
      lines: [23, 23],
      block:
        'runtime, err := client.GetFunctionRuntime(ctx, functionID) if err != nil { log.Fatal(err) } fmt.Printf("state=%s revision=%d\\n", runtime.State, runtime.RevisionNumber)',
      needs: ["runtime status"],
    },
    {
      lines: [27, 29],
      block: ["POST", "", "/api/v1/functions/{id}/runtime/restart"],
      needs: ["runtime status"],
    },
    {
      lines: [32, 32],
      block:
        'runtime, err := client.RestartFunctionRuntime(ctx, functionID) if err != nil { log.Fatal(err) } fmt.Printf("state=%s\\n", runtime.State)',
      needs: ["runtime status"],
    },
    {
      lines: [36, 38],
      block: ["POST", "", "/api/v1/functions/{id}/runtime/recycle"],
      needs: ["runtime status"],
    },
    {
      lines: [41, 41],
      block:
        'runtime, err := client.RecycleFunctionRuntime(ctx, functionID) if err != nil { log.Fatal(err) } fmt.Printf("state=%s\\n", runtime.State)',
      needs: ["runtime status"],
    },
    {
      lines: [45, 47],
      block: ["PUT", "", "/api/v1/functions/{id}"],
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy("served", "export default { fetch: () => new Response('on') };");
        const { id } = await server.client.getFunction("served");
        const response = await call("PUT", `/api/v1/functions/${id}`, { enabled: false });
        assert.equal(response.status, 200, await response.clone().text());
      },
    },
    {
      lines: [49, 49],
      block:
        "Disabling a function keeps its identity, domain, revisions, and aliases. Disabled functions return 503 from the function host and do not restore runtime sandboxes.",
      needs: ["foundation"],
      async run({ server, call }) {
        const before = await (await call("GET", "/api/v1/functions/served/deployments")).json();
        assert.equal(before.items.length, 1);
        const onHost = () => onFunctionHost(server, "served");
        const refused = await onHost();
        assert.equal(refused.status, 503);
        assert.match(refused.body, /function_disabled/);
        await server.client.updateFunction("served", { enabled: true });
        assert.match((await onHost()).body, /on/);
      },
    },
    {
      lines: [52, 52],
      block:
        'fn, err := client.UpdateFunctionWithOptions( ctx, functionID, sandbox0.WithFunctionEnabled(false), ) if err != nil { log.Fatal(err) } fmt.Printf("enabled=%t\\n", fn.Enabled)',
      needs: ["foundation"],
      async run({ server }) {
        // The typed client has the call in the family's manner; the text shows it in Go.
        const { id } = await server.client.getFunction("served");
        assert.equal((await server.client.updateFunction(id, { enabled: false })).enabled, false);
      },
    },
    {
      lines: [56, 58],
      block: ["DELETE", "", "/api/v1/functions/{id}"],
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy("gone", "export default { fetch: () => new Response('on') };");
        const { id } = await server.client.getFunction("gone");
        assert.equal((await call("DELETE", `/api/v1/functions/${id}`)).status, 200);
      },
    },
    {
      lines: [60, 60],
      block:
        "Delete is a soft delete. The function disappears from normal list/get APIs, the host stops serving traffic, and the slug/domain label remain reserved. Sandbox0 schedules best-effort cleanup for restored runtime sandboxes and revision-owned volumes.",
      needs: ["foundation", "sandboxes"],
      async run({ server, call }) {
        const listed = await (await call("GET", "/api/v1/functions")).text();
        assert.doesNotMatch(listed, /"gone"/);
        assert.equal((await call("GET", "/api/v1/functions/gone")).status, 404);
        assert.equal((await onFunctionHost(server, "gone")).status, 404);
        assert.equal((await call("POST", "/api/v1/functions", { name: "gone" })).status, 409);
      },
    },
    {
      lines: [63, 63],
      block:
        'fn, err := client.DeleteFunction(ctx, functionID) if err != nil { log.Fatal(err) } fmt.Printf("deleted function: %s\\n", fn.ID)',
      needs: ["foundation"],
      async run({ server }) {
        // The typed client has the call in the family's manner; the text shows it in Go.
        const { id } = await server.client.getFunction("served");
        assert.equal((await server.client.deleteFunction(id)).id, id);
      },
    },
    {
      lines: [69, 69],
      block: "Move production traffic between immutable function revisions.",
      needs: ["foundation"],
      async run({ server, call }) {
        await server.deploy("moved", "export default { fetch: () => new Response('one') };");
        await server.deploy("moved", "export default { fetch: () => new Response('two') };");
        await server.client.setAlias("moved", "production", [{ revision: 1, weight: 100 }]);
        assert.equal(await (await call("GET", "/fn/v1/moved")).text(), "one");
      },
    },
    {
      lines: [71, 73],
      block: [
        "Volume Snapshots",
        "",
        "Understand the snapshot model used for revision restore mounts.",
      ],
      needs: ["sandboxes"],
    },
  ],
};
