/** A part of Reactor that something in a source text needs, and whether this version has it. */
export interface Capability {
  readonly built: boolean;
  readonly what: string;
}

const built = (what: string): Capability => ({ built: true, what });
const pending = (what: string): Capability => ({ built: false, what });

/** Every capability that an entry may need. Building one means: move its word here, give its entries a run. */
export const capabilities = {
  foundation: built(
    "server, CLI, admin API, Bun in a process sandbox, web handlers, env, secrets, logs, limits",
  ),
  "handler shape 2": built("`defineFunction` with its schemas"),
  dependencies: built("a function's own dependencies from its lockfile"),
  "handler shape 4": built("`handler(event, context)`, exported or bare"),
  node: built("the Node driver"),
  deno: built("the Deno driver"),
  python: built("Python in a process sandbox"),
  wasm: pending("the WASM driver"),
  lambda: pending("the Lambda driver"),
  microvm: built("a microVM per instance"),
  "deno workers": built("net-only Web Workers in a pod"),
  "deno worker API": built("`/deploy`, `/invoke/{id}`, `/delete/{id}`"),
  hooks: built("provisioning hooks: `/api/v1/hooks/{point}`"),
  routes: built("`route` and `method` at the server's root"),
  projects: built("`reactor deploy` of a project's folder, `flux.json`, project layout"),
  "project secrets": built("`reactor secrets set`"),
  dev: built("`reactor dev`"),
  database: built("`ctx.db` and migrations"),
  async: built("durable async invocations"),
  policies: built("invoke policies"),
  "storage server": pending("bundles in a Storage server"),
  "runtime status": pending("`/runtime`, restart, recycle, and the sandbox family's answers"),
  sandboxes: pending("volumes, and functions that are restored from a sandbox's template"),
  schedule: built("cron schedules"),
  playground: built("the playground API"),
  console: pending("the console with its editor"),
  usage: built("pay-per-use figures"),
} as const satisfies Readonly<Record<string, Capability>>;

export type CapabilityName = keyof typeof capabilities;
