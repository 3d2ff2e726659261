import { systemClock } from "../../../base/clock.ts";
import { buildImage } from "./build-image.ts";
import { probeSource } from "./probe-runtime.harness.ts";

/** Program: builds the probe's image in the folder that is given, and prints its id. */
const [folder = ""] = process.argv.slice(2);
const { signal } = new AbortController();
const { image } = await buildImage({ folder, source: probeSource, clock: systemClock, signal });
process.stdout.write(image.id);
