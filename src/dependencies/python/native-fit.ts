import type { Platform } from "../platform.ts";
import { isForPython, type WheelName } from "./wheel-name.ts";

const machines: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
/** Names from before the version of glibc was part of the name: the minor of its 2.x. */
const namedGlibc: Readonly<Record<string, number>> = {
  manylinux1: 5,
  manylinux2010: 12,
  manylinux2014: 17,
};

/**
 * How closely a wheel with machine code fits a CPython such as `3.11.2` on this platform: 0 is made
 * for it, 1 for the stable interface of this or an earlier one, 2 uses no interface of Python's.
 * Undefined when it does not fit.
 */
export function nativeFit(
  wheel: WheelName,
  { version, platform }: { readonly version: string; readonly platform: Platform },
): number | undefined {
  if (!wheel.platforms.some((tag) => runsOn(tag, platform))) return undefined;
  const minor = Number(version.split(".")[1]);
  const own = `cp3${minor}`;
  if (wheel.abis.includes(own) && wheel.pythons.includes(own)) return 0;
  const isStable = wheel.abis.includes("abi3");
  if (isStable && wheel.pythons.some((tag) => minorOf(tag) <= minor)) return 1;
  return wheel.abis.includes("none") && isForPython(wheel, version) ? 2 : undefined;
}

/** The minor of `cp311`; not a number for another tag. */
function minorOf(tag: string): number {
  return Number(/^cp3(\d+)$/.exec(tag)?.[1] ?? Number.NaN);
}

/** Whether a platform's tag, e.g. `manylinux_2_17_x86_64`, is for this one and no newer libc. */
function runsOn(tag: string, { os, cpu, libc, libcVersion }: Platform): boolean {
  const ending = `_${machines[cpu] ?? cpu}`;
  if (os !== "linux" || !tag.endsWith(ending)) return false;
  const base = tag.slice(0, -ending.length);
  if (base === "linux") return true;
  const [, kind, major, minor] = /^(many|musl)linux_(\d+)_(\d+)$/.exec(base) ?? [];
  const wanted =
    kind === undefined
      ? { libc: "glibc", major: 2, minor: namedGlibc[base] ?? Number.NaN }
      : { libc: kind === "many" ? "glibc" : "musl", major: Number(major), minor: Number(minor) };
  const [haveMajor, haveMinor] = libcVersion.split(".").map(Number);
  return (
    wanted.libc === libc && wanted.major === haveMajor && wanted.minor <= (haveMinor ?? Number.NaN)
  );
}
