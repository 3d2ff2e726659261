import { dlopen, toBuffer } from "bun:ffi";

const create = 0o1000;
const everyone = 0o666;
const remove = 0;

/** A segment of the host's shared memory that everyone may attach, with the text in it. */
export function openHostMemory(key: number, text: string): { close(): void } {
  const { symbols } = dlopen("libc.so.6", {
    shmget: { args: ["i32", "u64", "i32"], returns: "i32" },
    shmat: { args: ["i32", "ptr", "i32"], returns: "ptr" },
    shmctl: { args: ["i32", "i32", "ptr"], returns: "i32" },
  });
  const id = symbols.shmget(key, 4096n, create | everyone);
  if (id < 0) throw new Error("Cannot make a segment of shared memory");
  const memory = symbols.shmat(id, null, 0);
  if (memory === null) throw new Error("Cannot attach a segment of shared memory");
  toBuffer(memory, 0, 4096).write(text);
  return { close: () => void symbols.shmctl(id, remove, null) };
}
