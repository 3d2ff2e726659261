/** Only Bun lets JavaScript call the kernel itself; the others get this in place of kernel-attacks-bun.js. */
export const kernelAttacks = {};
