/**
 * A server of virtual machines for tests that kill it: `doomed-server.harness.ts <folder> clone|build`. Says
 * `ready` once a clone runs, or while a template is being made, and then waits.
 */
import { tinySpec, openTestMachines } from "./open-machines.ts";
import { tinyImage } from "./tiny-image.ts";

const [, , folder = "", what] = process.argv;
const machines = await openTestMachines(folder);
const image = tinyImage(folder);
const templates = await machines.templates(image);
const spec = tinySpec({ image, memoryMb: 128, vcpu: 1 });
const { signal } = new AbortController();
if (what === "clone") {
  await templates.clone(spec, signal);
  console.log("ready");
} else {
  void templates.ensure(
    {
      ...spec,
      async warm(machine) {
        await spec.warm(machine, signal);
        console.log("ready");
        await machine.ended;
      },
    },
    signal,
  );
}
setInterval(() => {}, 60_000);
