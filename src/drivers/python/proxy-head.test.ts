import { expect, test } from "bun:test";
import vectors from "../guest/proxy-head.vectors.json" with { type: "json" };
import { openGuestModules } from "./guest-modules.harness.ts";

const guest = openGuestModules();

for (const { name, head, outcome } of vectors) {
  test(`the proxy reads ${name} as the other runtimes do`, async () => {
    const bytes = Buffer.from(head, "latin1").toString("hex");
    expect(await guest.call<unknown>("proxy_head", { bytes })).toEqual({ outcome });
  });
}
