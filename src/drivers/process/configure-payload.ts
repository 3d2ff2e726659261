import type { Artifact, StartSpec } from "../driver.ts";
import type { ConfigureMessage } from "../guest/messages.ts";

export interface ConfigureFacts {
  /** Whether the server runs in dev mode. */
  readonly dev: boolean;
  /** Whether the guest began as a copy of another's memory. */
  readonly isClone: boolean;
  /** Whether it is only to load its function, and then to be copied. */
  readonly isTemplate: boolean;
}

/** Payload of `configure`: `jsonLength:u32le json code`. Carries the secrets, so it is never logged. */
export function configurePayload(
  artifact: Artifact,
  spec: StartSpec,
  { dev, isClone, isTemplate }: ConfigureFacts,
): Buffer {
  const { limits, handler } = spec.manifest;
  const message: ConfigureMessage = {
    functionName: spec.functionName,
    functionId: spec.functionId,
    deploymentId: spec.deploymentId,
    revision: spec.revision,
    entrypoint: artifact.entrypoint,
    reaches: artifact.reaches,
    handler,
    shape: spec.shape,
    env: spec.env,
    secrets: spec.secrets,
    limits: {
      memoryMb: limits.memoryMb.value,
      timeoutMs: limits.timeoutMs,
      bodyOutBytesMax: limits.bodyOutBytesMax,
      waitUntilMs: limits.waitUntilMs,
    },
    dev,
    ...(isClone && { clone: true }),
    ...(isTemplate && { template: true }),
  };
  const json = Buffer.from(JSON.stringify(message));
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(json.length, 0);
  return Buffer.concat([length, json, artifact.code]);
}
