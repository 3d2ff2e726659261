import { describe, expect, test } from "bun:test";
import { bootImage } from "./boot-image.harness.ts";
import type { ImageSource } from "./image-source.ts";
import {
  buildTestImage,
  bunSource,
  microvmMissing,
  nodeSource,
  pythonSource,
} from "./test-images.harness.ts";

const because = microvmMissing === undefined ? "" : ` (${microvmMissing})`;
const limitMs = 240_000;
const sources: readonly (readonly [string, () => ImageSource | Promise<ImageSource>])[] = [
  ["bun", bunSource],
  ["node", nodeSource],
  ["python", pythonSource],
];

describe.if(microvmMissing === undefined)(`an image of a runtime${because}`, () => {
  test.each(sources)(
    "%s starts in it, and its greeting reaches the host",
    async (name, source) => {
      await using machine = await bootImage(await buildTestImage(await source()));
      const { wire } = machine.ports;
      await Promise.race([wire.until(() => wire.bytes > 0), machine.ended]);
      expect(wire.text).toContain(`"runtime":${name === "python" ? " " : ""}"${name}"`);
    },
    limitMs,
  );
});
