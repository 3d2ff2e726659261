import { expect, test } from "bun:test";
import vectors from "../guest/closing-answer.vectors.json" with { type: "json" };
import { openGuestModules } from "./guest-modules.harness.ts";

const guest = openGuestModules();

for (const { name, pieces, taken } of vectors) {
  test(`the client gets ${name} as on the other runtimes`, async () => {
    const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex");
    const got = await guest.call<unknown>("closing_answer", { pieces: pieces.map(hex) });
    expect(got).toEqual({ taken: taken.map(hex), rest: "" });
  });
}
