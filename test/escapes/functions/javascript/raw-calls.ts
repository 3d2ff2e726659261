import fs from "node:fs";
import { constants } from "node:os";
import type { Argument, RawCall } from "./aims.ts";

/** What a system call answered, or why it was not made. */
export type RawOutcome = { readonly value: number } | { readonly error: unknown };

/** An error with the system's code, as node:fs throws them. */
function systemError(number: number): Error {
  const name = Object.entries(constants.errno).find(([, value]) => value === number)?.[0];
  return Object.assign(new Error(`errno ${number}`), { code: name ?? `E${number}` });
}

/** The two functions of the C library that are needed, made from what the runtime lends. */
interface Library {
  syscall(...values: readonly bigint[]): bigint;
  errno(): number;
  addressOf(memory: Buffer): bigint;
}

interface BunFfi {
  dlopen(
    name: string,
    symbols: object,
  ): { symbols: Record<string, (...values: readonly unknown[]) => unknown> };
  ptr(memory: Buffer): number;
  read: { i32(pointer: unknown, offset: number): number };
}

interface NodeFfi {
  dlopen(
    name: string,
    functions: object,
  ): { functions: Record<string, (...values: readonly unknown[]) => unknown> };
  getRawPointer(memory: Buffer): bigint;
  getInt32(pointer: unknown): number;
}

function libraryOf(by: string, ffi: BunFfi | NodeFfi): Library {
  const words = Array<string>(7).fill("i64");
  if ("ptr" in ffi) {
    const { symbols } = ffi.dlopen("libc.so.6", {
      syscall: { args: words, returns: "i64" },
      __errno_location: { args: [], returns: "ptr" },
    });
    return {
      syscall: (...values) => BigInt(symbols["syscall"]?.(...values) as bigint | number),
      errno: () => ffi.read.i32(symbols["__errno_location"]?.(), 0),
      addressOf: (memory) => BigInt(ffi.ptr(memory)),
    };
  }
  if (by !== "node:ffi") throw new Error(`unknown library ${by}`);
  const { functions } = ffi.dlopen("libc.so.6", {
    syscall: { arguments: words, return: "i64" },
    __errno_location: { arguments: [], return: "pointer" },
  });
  return {
    syscall: (...values) => functions["syscall"]?.(...values) as bigint,
    errno: () => ffi.getInt32(functions["__errno_location"]?.()),
    addressOf: (memory) => ffi.getRawPointer(memory),
  };
}

/** Makes the calls in the runtime's own process. */
export function inProcessCalls(
  by: string,
  ffi: BunFfi | NodeFfi,
  calls: readonly RawCall[],
): Record<string, Map<string, RawOutcome>> {
  const library = libraryOf(by, ffi);
  const own = calls.filter(({ childOnly }) => childOnly === undefined);
  return { [by]: new Map(own.map((call) => [call.name, callWith(library, call)])) };
}

function callWith(library: Library, call: RawCall): RawOutcome {
  const opened: number[] = [];
  // Memory whose address was taken must live until the call is over.
  const kept: Buffer[] = [];
  const keep = (memory: Buffer): bigint => {
    kept.push(memory);
    return library.addressOf(memory);
  };
  try {
    const values = call.args.map((argument) => wordOf(argument, keep, opened));
    while (values.length < 6) values.push(0n);
    const value = Number(library.syscall(BigInt(call.number), ...values));
    if (value === -1) return { error: systemError(library.errno()) };
    return { value };
  } catch (error) {
    return { error };
  } finally {
    for (const descriptor of opened) fs.closeSync(descriptor);
    kept.length = 0;
  }
}

function wordOf(argument: Argument, keep: (memory: Buffer) => bigint, opened: number[]): bigint {
  if (typeof argument === "number") return BigInt(argument);
  if (typeof argument === "string") return keep(Buffer.from(`${argument}\0`));
  if ("bytes" in argument) return keep(Buffer.from(argument.bytes, "base64"));
  if ("open" in argument) {
    const descriptor = fs.openSync(argument.open, "r");
    opened.push(descriptor);
    return BigInt(descriptor);
  }
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(keep(Buffer.alloc(argument.vector)), 0);
  vector.writeBigUInt64LE(BigInt(argument.vector), 8);
  return keep(vector);
}

/** Makes the calls in a child process, which `run` starts, each in a process of its own. */
export function perlCalls(
  calls: readonly RawCall[],
  run: (script: string) => string,
): Map<string, RawOutcome> {
  const script = `$| = 1; ${calls.map((call, index) => perlCall(call, index)).join("\n")}`;
  let output: string;
  try {
    output = run(script);
  } catch (error) {
    return new Map(calls.map(({ name }) => [name, { error }]));
  }
  const lines = new Map(
    output
      .trim()
      .split("\n")
      .map((line) => {
        const [index, ...words] = line.split(" ");
        return [Number(index), words.map(Number)] as const;
      }),
  );
  return new Map(calls.map(({ name }, index) => [name, outcomeOf(lines.get(index))]));
}

function outcomeOf(words: readonly number[] | undefined): RawOutcome {
  const [value, errno] = words ?? [];
  if (value === undefined || errno === undefined) return { error: new Error("no line") };
  return value === -1 ? { error: systemError(errno) } : { value };
}

function perlCall({ number, args }: RawCall, index: number): string {
  const lines = args.map((argument, at) => `my $a${at} = ${perlWord(argument)};`);
  const names = args.map((_, at) => `$a${at}`).join(", ");
  const open = args.flatMap((argument, at) =>
    typeof argument === "object" && "open" in argument ? [`defined($a${at})`] : [],
  );
  const guard = open.length === 0 ? "1" : open.join(" && ");
  // A call that forks comes back twice: the copy ends where it is.
  return `if (!fork()) { my $p = $$; ${lines.join(" ")} my $r = (${guard}) ? syscall(${number}${names === "" ? "" : `, ${names}`}) : -1; my $e = $! + 0; exit 0 if $$ != $p; print "${index} $r $e\\n"; exit 0 } wait();`;
}

function perlWord(argument: Argument): string {
  if (typeof argument === "number") return String(argument);
  if (typeof argument === "string") return `"${perlText(Buffer.from(argument))}\\0"`;
  if ("bytes" in argument) return `"${perlText(Buffer.from(argument.bytes, "base64"))}"`;
  if ("open" in argument) {
    // By the system's own call, since Perl's opens no folders.
    const path = perlText(Buffer.from(argument.open));
    const openat = process.arch === "x64" ? 257 : 56;
    return `do { my $n = "${path}\\0"; my $f = syscall(${openat}, -100, $n, 0); $f < 0 ? undef : $f }`;
  }
  return `do { $main::memory = "\\0" x ${argument.vector}; pack("PQ", $main::memory, ${argument.vector}) }`;
}

function perlText(bytes: Buffer): string {
  return [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
}
