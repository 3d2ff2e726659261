import type { DriverProbe } from "../driver.ts";
import type { ControlPort } from "./control-port.ts";
import type { MachineSize } from "./machine-size.ts";
import type { Machine } from "./vmm/machine.ts";

/** Which template of a machine that has loaded a deployment's code. */
export interface LoadedTemplate {
  readonly size: MachineSize;
  readonly deploymentId: string;
  /** SHA-256 of the artifact's code, in hex. */
  readonly codeDigest: string;
}

export interface LoadedTemplateRequest extends LoadedTemplate {
  /** Has a machine whose guest is a blank load the code and come to rest. */
  readonly load: (machine: Machine, control: ControlPort, signal: AbortSignal) => Promise<void>;
}

/** Where the machines of one runtime come from. */
export interface MachineSource {
  /** Whether there can be any here. Never rejects, and starts none. */
  probe(): Promise<DriverProbe>;
  /** Resolves when the template for the size is there, which takes seconds when it has to be made. */
  ensure(size: MachineSize, signal: AbortSignal): Promise<void>;
  /** A running clone of that template. */
  clone(size: MachineSize, signal: AbortSignal): Promise<Machine>;
  /** Makes the template of a deployment where there is none, once for all who ask. */
  ensureLoaded(request: LoadedTemplateRequest, signal: AbortSignal): Promise<void>;
  /** A running clone of the deployment's template; undefined when there is none. */
  cloneLoaded(request: LoadedTemplate, signal: AbortSignal): Promise<Machine | undefined>;
  /** Removes the templates of the deployments for which it is false. */
  removeLoaded(isKept: (deploymentId: string) => boolean): Promise<void>;
  /** Its machines have ended by then. */
  close(): Promise<void>;
}
