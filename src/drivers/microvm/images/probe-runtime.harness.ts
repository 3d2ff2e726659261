import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ImageSource } from "./image-source.ts";

const script = join(import.meta.dirname, "../agent/probe-guest.harness.pl");

/** A small runtime in place of a large one: Perl with a guest that does what the wire tells it. */
export const probeSource: ImageSource = {
  runtime: {
    name: "probe",
    binaryPath: "/usr/bin/perl",
    args: [],
    unsandboxedArgs: [],
    env: { PROBE: "yes" },
    mounts: [],
    guest: {
      name: "probe.pl",
      build: () => Promise.resolve(readFileSync(script, "utf8")),
    },
    version: (output) => /\(v([\d.]+)\)/.exec(output)?.[1] ?? "",
  },
  folders: [],
};
