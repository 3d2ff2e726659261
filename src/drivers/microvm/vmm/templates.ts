import { cpus } from "node:os";
import type { Machine, MachineShape, Vmm } from "./machine.ts";
import type { StoredTemplate, TemplateParts, TemplateStore } from "./template-store.ts";
import { VmmError } from "./vmm-error.ts";

/** What a clone is to be. */
export interface TemplateSpec {
  readonly shape: MachineShape;
  /** Whatever else makes templates differ, e.g. the digest of what `warm` brings about. */
  readonly variant: string;
  /** The deployment whose code `warm` brings into it; absent: none. */
  readonly deploymentId?: string;
  /**
   * Brings a machine that has just booted to where its clones are to begin. Must leave nothing of a
   * tenant in it but the code of `deploymentId`. When it rejects there is no template.
   */
  readonly warm: (machine: Machine, signal: AbortSignal) => Promise<void>;
}

export interface TemplatesOptions {
  readonly store: TemplateStore;
  readonly vmm: Vmm;
  /** Ends what is being built. */
  readonly closing: AbortSignal;
}

/** Warmed machines that were stopped and written down, and the running copies that are made of them. */
export class Templates {
  readonly #store: TemplateStore;
  readonly #vmm: Vmm;
  readonly #closing: AbortSignal;

  constructor({ store, vmm, closing }: TemplatesOptions) {
    this.#store = store;
    this.#vmm = vmm;
    this.#closing = closing;
  }

  /** Makes sure that there is a template; takes a cold boot when there is none, once for all who ask. */
  async ensure(spec: TemplateSpec, signal: AbortSignal): Promise<StoredTemplate> {
    signal.throwIfAborted();
    const ensured = this.#store.ensure({
      parts: this.#partsOf(spec),
      memoryMb: spec.shape.memoryMb,
      deploymentId: spec.deploymentId,
      // Others may wait for it when this caller has given up.
      build: (into) => this.#build(spec, into),
    });
    const givenUp = Promise.withResolvers<never>();
    const onAbort = (): void => givenUp.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([ensured, givenUp.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /**
   * A running machine that goes on where the template's was stopped. The template is made first when
   * there is none, and made anew when the VMM cannot read it.
   */
  async clone(spec: TemplateSpec, signal: AbortSignal): Promise<Machine> {
    const template = await this.ensure(spec, signal);
    try {
      return await this.#vmm.restore(spec.shape, { from: template, signal });
    } catch (error) {
      if (!isUnreadable(error, signal)) throw error;
      await this.#store.discard(template);
    }
    const anew = await this.ensure(spec, signal);
    return this.#vmm.restore(spec.shape, { from: anew, signal });
  }

  /** As `clone`, of a template that is there; undefined when there is none that the VMM can read. */
  async cloneOfKnown(
    spec: Pick<TemplateSpec, "shape" | "variant">,
    signal: AbortSignal,
  ): Promise<Machine | undefined> {
    const template = await this.#store.find(this.#partsOf(spec));
    if (template === undefined) return undefined;
    try {
      return await this.#vmm.restore(spec.shape, { from: template, signal });
    } catch (error) {
      if (!isUnreadable(error, signal)) throw error;
      await this.#store.discard(template);
      return undefined;
    }
  }

  #partsOf({ shape, variant }: Pick<TemplateSpec, "shape" | "variant">): TemplateParts {
    return {
      vmm: this.#vmm.version,
      cpu: cpus()[0]?.model ?? "unknown",
      image: shape.image.id,
      memoryMb: shape.memoryMb,
      vcpu: shape.vcpu,
      variant,
    };
  }

  async #build(
    { shape, warm }: TemplateSpec,
    into: { readonly ramPath: string; readonly statePath: string },
  ): Promise<void> {
    const machine = await this.#vmm.boot(shape, { into, signal: this.#closing });
    try {
      await warm(machine, this.#closing);
      await machine.pause();
      await machine.snapshot();
    } catch (error) {
      throw new VmmError(
        "snapshot",
        `Cannot make a template: ${error instanceof Error ? error.message : String(error)}; the machine wrote "${machine.consoleTail().trim()}"`,
        { cause: error },
      );
    } finally {
      await machine.stop();
    }
  }
}

function isUnreadable(error: unknown, signal: AbortSignal): boolean {
  return error instanceof VmmError && error.failure === "restore" && !signal.aborted;
}
