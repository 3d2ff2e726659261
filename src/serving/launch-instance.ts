import type { DeploymentPlan, FunctionPlan } from "../domain/plan.ts";
import type { InstanceExit } from "../domain/instance.ts";
import { type Driver, type Instance, StartError } from "../drivers/driver.ts";
import { declaredEnv } from "../domain/declared-env.ts";
import type { FunctionMeter } from "./meter.ts";
import type { InstanceEars } from "./proved-instances.ts";
import type { ServingContext } from "./serving-context.ts";

/** Room for the driver to report its own start timeout before this side gives up on it. */
const driverGraceMs = 1000;

export interface LaunchOptions {
  readonly context: ServingContext;
  readonly driver: Driver;
  readonly function: FunctionPlan;
  readonly deployment: DeploymentPlan;
  readonly meter: FunctionMeter;
  readonly signal: AbortSignal;
}

/**
 * Takes the instance that proved the deployment when there is one; else loads the deployment's code
 * and starts one instance of it. Every failure is a StartError.
 */
export async function launchInstance(options: LaunchOptions): Promise<Instance> {
  const { context, driver, deployment } = options;
  const { journal, settings } = context;
  const ears: InstanceEars = {
    onLog: (line) => {
      if (settings.observability) journal.log(line);
    },
    onEgressDenied: (denial) => options.meter.egressDenials.add(denial, context.clock.now()),
  };
  const proved = context.proved?.take(options.function, deployment, ears);
  if (proved !== undefined) return proved;
  const { startTimeoutMs } = settings;
  const late = new AbortController();
  const timer = context.clock.after(startTimeoutMs + driverGraceMs, () =>
    late.abort(startFailure({ reason: "start_timeout", limitMs: startTimeoutMs })),
  );
  const { manifest } = deployment;
  const signal = AbortSignal.any([options.signal, late.signal]);
  try {
    const code = await context.loadArtifact(deployment.artifactBlob);
    signal.throwIfAborted();
    return await driver.start(
      {
        deploymentId: deployment.deploymentId,
        entrypoint: manifest.entrypoint ?? "index.js",
        code,
      },
      {
        projectId: options.function.projectId,
        functionId: options.function.functionId,
        functionName: options.function.name,
        deploymentId: deployment.deploymentId,
        revision: deployment.revision,
        manifest,
        shape: deployment.shape,
        env: declaredEnv(options.function.env.env, manifest.envKeys),
        secrets: declaredEnv(options.function.env.secrets, manifest.secretKeys),
        startTimeoutMs,
        ...ears,
      },
      signal,
    );
  } catch (error) {
    throw toStartError(error);
  } finally {
    timer.cancel();
  }
}

function startFailure(exit: InstanceExit): StartError {
  return new StartError(exit, "", `The instance did not start: ${exit.reason}`);
}

function toStartError(error: unknown): StartError {
  if (error instanceof StartError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const wrapped = new StartError({ reason: "load_failed", message }, "", message);
  wrapped.cause = error;
  return wrapped;
}
