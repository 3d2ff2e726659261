import { systemClock } from "../../../base/clock.ts";
import { buildImage } from "./build-image.ts";
import type { Kernel } from "./find-kernel.ts";
import { probeSource } from "./probe-runtime.harness.ts";

/** Program: builds the probe's image in the folder and with the kernel that are given, and prints its id. */
const [folder = "", kernelJson = ""] = process.argv.slice(2);
const kernel: Kernel = JSON.parse(kernelJson);
const { signal } = new AbortController();
const { image } = await buildImage({
  folder,
  source: probeSource,
  kernel,
  clock: systemClock,
  signal,
});
process.stdout.write(image.id);
