import type { RuntimeSpec } from "../../process/process-runtime.ts";

/** What an image is made for. */
export interface ImageSource {
  readonly runtime: RuntimeSpec;
  /**
   * Folders of this machine that the runtime reads, such as its library: the image has them at the
   * same place. In place of `runtime.mounts`, which may be more than a machine needs.
   */
  readonly folders: readonly string[];
}
