import type { MicrovmImage } from "../../drivers/microvm/images/microvm-image.ts";

/** An image as commands print it for programs. */
export function imageView(image: MicrovmImage) {
  return {
    id: image.id,
    runtime: image.runtime,
    runtime_version: image.runtimeVersion,
    kernel_version: image.kernelVersion,
    bytes: image.bytes,
    built_at: new Date(image.builtAtMs).toISOString(),
    folder: image.folder,
  };
}

/** Enough of an id to tell images apart. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}
