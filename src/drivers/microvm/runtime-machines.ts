import type { Clock } from "../../base/clock.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { DriverProbe } from "../driver.ts";
import { enforcesNothing } from "../missing-driver.ts";
import { ControlPort } from "./control-port.ts";
import { greetTemplate } from "./greet-template.ts";
import { buildImage } from "./images/build-image.ts";
import type { ImageSource } from "./images/image-source.ts";
import { listImages } from "./images/image-store.ts";
import { findImageTools } from "./images/image-tools.ts";
import type { MicrovmImage } from "./images/microvm-image.ts";
import type { MachineSize } from "./machine-size.ts";
import type { MachineSource } from "./microvm-host.ts";
import type { SharedMachines } from "./shared-machines.ts";
import type { Machine } from "./vmm/machine.ts";
import type { Templates, TemplateSpec } from "./vmm/templates.ts";
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

/** What a template of these has in it beside its image: the hello of the wire protocol. */
const variant = "greeted";

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
      if (image === undefined) await findImageTools();
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
      return unavailable(error);
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
    const shape = { image, ...size };
    return { templates: await machines.templates(shape.image), spec: { shape, variant, warm } };
  }

  /** Tried again after a failure: what was missing may be there by then. */
  async #makeImage(): Promise<MicrovmImage> {
    const { folder, source, clock } = this.#options;
    const { signal } = this.#closing;
    try {
      return (await buildImage({ folder, source: await source(), clock, signal })).image;
    } catch (error) {
      this.#image = undefined;
      throw error;
    }
  }
}

async function warm({ ports }: Machine): Promise<void> {
  const [wire, control] = await Promise.all([ports["reactor.wire"], ports["reactor.control"]]);
  await greetTemplate(wire, new ControlPort(control));
}

/** For who deploys: why no machine of the runtime can be started. */
function refusal(error: VmmError): ReactorError {
  return new ReactorError("cold_start_failed", `Cannot start a microVM: ${error.message}`, {
    cause: error,
    details: { remedy: 'run "reactor doctor"' },
  });
}

function describeImage(image: MicrovmImage | undefined): string {
  if (image === undefined) return "no image yet: it is built with the first deploy";
  return `image ${image.id.slice(0, 12)} with kernel ${image.kernelVersion}`;
}

function unavailable(error: unknown): DriverProbe {
  const message = error instanceof Error ? error.message : String(error);
  const remedy = error instanceof ReactorError ? error.details["remedy"] : undefined;
  return {
    available: false,
    version: undefined,
    tier: 0,
    enforces: enforcesNothing,
    findings: [message],
    remedies: [typeof remedy === "string" ? remedy : 'Run "reactor doctor"'],
  };
}
