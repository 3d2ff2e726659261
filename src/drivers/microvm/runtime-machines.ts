import type { Clock } from "../../base/clock.ts";
import { ReactorError } from "../../domain/errors.ts";
import { type DriverProbe, StartError } from "../driver.ts";
import { linkAborts } from "../process/linked-abort.ts";
import { unavailableFor } from "../process/runtime-probe.ts";
import { ControlPort } from "./control-port.ts";
import { warmTemplate } from "./warm-template.ts";
import { buildImage, findImage } from "./images/build-image.ts";
import { findKernel } from "./images/find-kernel.ts";
import type { ImageSource } from "./images/image-source.ts";
import { listImages } from "./images/image-store.ts";
import type { MicrovmImage } from "./images/microvm-image.ts";
import type { MachineSize } from "./machine-size.ts";
import type { LoadedTemplate, LoadedTemplateRequest, MachineSource } from "./machine-source.ts";
import type { SharedMachines } from "./shared-machines.ts";
import type { Machine } from "./vmm/machine.ts";
import { orEnded } from "./vmm/machine-lifetime.ts";
import type { Templates, TemplateSpec } from "./vmm/templates.ts";
import { templateFolder } from "./vmm/machines.ts";
import { removeDeployments } from "./vmm/template-store.ts";
import { VmmError } from "./vmm/vmm-error.ts";

export interface RuntimeMachinesOptions {
  /** The runtime's name, e.g. `bun`. */
  readonly runtime: string;
  readonly machines: SharedMachines;
  /** Where images are kept. */
  readonly folder: string;
  /** What the runtime's image is made of; throws `unsupported_runtime` when it is not on this machine. */
  readonly source: () => Promise<ImageSource>;
  readonly clock: Clock;
}

/** What a template of these has in it beside its image: the hello of the wire protocol, and a rehearsal. */
const variant = "rehearsed";

/** A boot takes four seconds, emulated and alone; this is for a machine that is busy with other things. */
const bootMsMax = 120_000;

/** Clones of templates of one runtime, whose image is made when it is first needed. */
export class RuntimeMachines implements MachineSource {
  readonly #options: RuntimeMachinesOptions;
  readonly #closing = new AbortController();
  #image: Promise<MicrovmImage> | undefined;

  constructor(options: RuntimeMachinesOptions) {
    this.#options = options;
    options.machines.enter();
  }

  async probe(): Promise<DriverProbe> {
    const { runtime, folder, machines, source } = this.#options;
    try {
      const { version, finding } = await machines.open();
      await source();
      const [image] = (await listImages(folder)).filter((each) => each.runtime === runtime);
      if (image === undefined) await machines.imageTools();
      return {
        available: true,
        version: image?.runtimeVersion,
        tier: 3,
        enforces: {
          memory: "hard",
          cpu: "hard",
          processes: "hard",
          wallClock: "watchdog",
          filesystem: "hard",
          network: "hard",
        },
        findings: [`QEMU ${version}`, finding, describeImage(image)],
        remedies: [],
      };
    } catch (error) {
      return unavailableFor(error, 'Run "reactor doctor"');
    }
  }

  async ensure(size: MachineSize, signal: AbortSignal): Promise<void> {
    try {
      const { templates, spec } = await this.#template(size);
      await templates.ensure(spec, signal);
    } catch (error) {
      throw error instanceof VmmError ? refusal(error) : error;
    }
  }

  async clone(size: MachineSize, signal: AbortSignal): Promise<Machine> {
    const { templates, spec } = await this.#template(size);
    return templates.clone(spec, signal);
  }

  async ensureLoaded(request: LoadedTemplateRequest, signal: AbortSignal): Promise<void> {
    const { deploymentId, load } = request;
    const { templates, spec } = await this.#template(request.size);
    const warm: TemplateSpec["warm"] = async (machine, closing) => {
      const control = await this.#warm(machine, closing);
      await orEnded(load(machine, control, closing), machine.ended, closing);
    };
    try {
      const loaded = { ...spec, variant: loadedVariant(request), deploymentId, warm };
      await templates.ensure(loaded, signal);
    } catch (error) {
      throw error instanceof VmmError ? snapshotRefusal(error) : error;
    }
  }

  async cloneLoaded(request: LoadedTemplate, signal: AbortSignal): Promise<Machine | undefined> {
    const { templates, spec } = await this.#template(request.size);
    return templates.cloneOfKnown({ ...spec, variant: loadedVariant(request) }, signal);
  }

  removeLoaded(isKept: (deploymentId: string) => boolean): Promise<void> {
    return removeDeployments(templateFolder(this.#options.folder), isKept);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error("the driver is closed"));
    await Promise.allSettled([this.#image]);
    await this.#options.machines.leave();
  }

  async #template(
    size: MachineSize,
  ): Promise<{ readonly templates: Templates; readonly spec: TemplateSpec }> {
    this.#closing.signal.throwIfAborted();
    const machines = await this.#options.machines.open();
    this.#image ??= this.#makeImage();
    const image = await this.#image;
    const warm: TemplateSpec["warm"] = async (machine, signal) => {
      await this.#warm(machine, signal);
    };
    const spec = { shape: { image, ...size }, variant, warm };
    return { templates: await machines.templates(image), spec };
  }

  /** Rejects when it takes too long, or the machine ends first. */
  async #warm({ ports, ended }: Machine, signal: AbortSignal): Promise<ControlPort> {
    using limit = linkAborts([signal]);
    const late = this.#options.clock.after(bootMsMax, () =>
      limit.abort(new Error(`it was not ready within ${bootMsMax / 1000} s`)),
    );
    const warm = async (): Promise<ControlPort> => {
      const [wire, socket] = await Promise.all([ports["reactor.wire"], ports["reactor.control"]]);
      const control = new ControlPort(socket);
      await warmTemplate(wire, control, this.#options.clock);
      return control;
    };
    try {
      return await orEnded(warm(), ended, limit.signal);
    } finally {
      late.cancel();
    }
  }

  /** Tried again after a failure: what was missing may be there by then. */
  async #makeImage(): Promise<MicrovmImage> {
    const { folder, source, clock } = this.#options;
    const { signal } = this.#closing;
    try {
      const order = { folder, source: await source() };
      const found = await findImage(order);
      if (found !== undefined) return found;
      const kernel = await findKernel(folder);
      return (await buildImage({ ...order, kernel, clock, signal })).image;
    } catch (error) {
      this.#image = undefined;
      throw error;
    }
  }
}

/** For who deploys: why no machine of the runtime can be started. */
function refusal(error: VmmError): ReactorError {
  return new ReactorError("cold_start_failed", `Cannot start a microVM: ${error.message}`, {
    cause: error,
    details: { remedy: 'run "reactor doctor"' },
  });
}

/** For who deploys: why there is no snapshot. */
function snapshotRefusal(error: VmmError): ReactorError {
  const { cause } = error;
  if (!(cause instanceof Error)) return refusal(error);
  return new ReactorError(
    "cold_start_failed",
    `Cannot make the deployment's snapshot: ${cause.message}`,
    { cause: error, details: { log: cause instanceof StartError ? cause.log : "" } },
  );
}

function loadedVariant({ deploymentId, codeDigest }: LoadedTemplate): string {
  return `loaded ${deploymentId} ${codeDigest}`;
}

function describeImage(image: MicrovmImage | undefined): string {
  if (image === undefined) return "no image yet: it is built with the first deploy";
  return `image ${image.id.slice(0, 12)} with kernel ${image.kernelVersion}`;
}
