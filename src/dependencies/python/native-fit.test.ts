import { describe, expect, test } from "bun:test";
import type { Platform } from "../platform.ts";
import { nativeFit } from "./native-fit.ts";
import { parseWheelName } from "./wheel-name.ts";

const glibc: Platform = { os: "linux", cpu: "x64", libc: "glibc", libcVersion: "2.36" };
const musl: Platform = { os: "linux", cpu: "arm64", libc: "musl", libcVersion: "1.2" };

function fit(tags: string, platform: Platform): number | undefined {
  const wheel = parseWheelName(`a-1.0-${tags}.whl`);
  if (wheel === undefined) throw new Error(`${tags} are no tags`);
  return nativeFit(wheel, { version: "3.11.2", platform });
}

describe("nativeFit()", () => {
  test.each([
    ["cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", 0],
    ["cp311-cp311-manylinux_2_36_x86_64", 0],
    ["cp311-cp311-manylinux1_x86_64", 0],
    ["cp311-cp311-linux_x86_64", 0],
    ["cp39-abi3-manylinux_2_28_x86_64", 1],
    ["cp38.cp311-abi3-manylinux2010_x86_64", 1],
    ["py3-none-manylinux_2_17_x86_64", 2],
    ["cp311-none-manylinux_2_17_x86_64", 2],
    ["cp311-cp311-manylinux_2_37_x86_64", undefined],
    ["cp311-cp311-manylinux_3_1_x86_64", undefined],
    ["cp311-cp311-manylinux2099_x86_64", undefined],
    ["cp311-cp311-manylinux_2_17_aarch64", undefined],
    ["cp311-cp311-manylinux_2_17_i686", undefined],
    ["cp311-cp311-musllinux_1_1_x86_64", undefined],
    ["cp311-cp311-macosx_11_0_arm64", undefined],
    ["cp311-cp311-win_amd64", undefined],
    ["cp312-cp312-manylinux_2_17_x86_64", undefined],
    ["cp312-abi3-manylinux_2_17_x86_64", undefined],
    ["cp313-cp313t-manylinux_2_17_x86_64", undefined],
    ["pp310-pypy310_pp73-manylinux_2_17_x86_64", undefined],
    ["py2-none-manylinux1_x86_64", undefined],
  ] as const)("of %s on CPython 3.11 with glibc 2.36 is %p", (tags, wanted) => {
    expect(fit(tags, glibc)).toBe(wanted);
  });

  test.each([
    ["cp311-cp311-musllinux_1_1_aarch64", 0],
    ["cp311-cp311-musllinux_1_3_aarch64", undefined],
    ["cp311-cp311-manylinux_2_17_aarch64", undefined],
  ] as const)("of %s on musl and ARM is %p", (tags, wanted) => {
    expect(fit(tags, musl)).toBe(wanted);
  });
});
