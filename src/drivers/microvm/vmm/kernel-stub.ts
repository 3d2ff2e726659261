import { closeSync, openSync, readSync } from "node:fs";

const sectorBytes = 512;
/** Where a bzImage says how many sectors its setup code has beside the first; 0 stands for 4. */
const setupSectorsAt = 0x1f1;
const setupSectorsDefault = 4;
/** A kernel must follow the setup code. */
const kernelBytes = 4096;

/**
 * What a clone's QEMU is given for a kernel: the beginning of the one that its template booted from.
 * QEMU reads all of it into memory of its own, 14 MB for each machine, and a machine that goes on
 * from a snapshot has its kernel already; only the boot code that QEMU picks by the head must match.
 */
export function kernelStub(kernelPath: string): Buffer {
  const head = Buffer.alloc(256 * sectorBytes + kernelBytes);
  const descriptor = openSync(kernelPath, "r");
  try {
    const bytes = readSync(descriptor, head, 0, head.length, 0);
    const sectors = head.readUInt8(setupSectorsAt) || setupSectorsDefault;
    return head.subarray(0, Math.min(bytes, (sectors + 1) * sectorBytes + kernelBytes));
  } finally {
    closeSync(descriptor);
  }
}
