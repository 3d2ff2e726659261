import {
  isKernelKnown,
  kernelAtHand,
  whyNoKernelIsKnown,
} from "../../drivers/microvm/images/find-kernel.ts";
import { listImages } from "../../drivers/microvm/images/image-store.ts";

/** What images of microVMs there are here, and what more can be made of. */
export interface ImageStock {
  /** Release of a kernel that needs no fetching. */
  kernel(): string | undefined;
  /** Why apt cannot know a kernel; undefined when it may. Takes no time. */
  whyNoKernelIsKnown(): "no apt" | "no lists" | undefined;
  /** Whether apt knows a kernel that it could fetch; may take seconds. */
  isKernelKnown(): Promise<boolean>;
  /** Runtime and version of each image, the newest first. */
  images(): Promise<readonly string[]>;
}

/** The stock of a data folder's `microvm`. */
export function imageStockIn(folder: string): ImageStock {
  return {
    kernel: () => kernelAtHand(folder)?.version,
    whyNoKernelIsKnown,
    isKernelKnown,
    async images() {
      const images = await listImages(folder);
      return images.map(({ runtime, runtimeVersion }) => `${runtime} ${runtimeVersion}`);
    },
  };
}
