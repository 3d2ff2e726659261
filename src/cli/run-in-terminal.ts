import { Readable, Writable } from "node:stream";
import { createVirtualClock, type Clock } from "../base/clock.ts";
import type { Command, ExitCode } from "./command.ts";
import type { Environment } from "./environment.ts";
import type { FakeServer } from "./fake-server.ts";
import { runCli } from "./run-cli.ts";

export interface TerminalOptions {
  readonly server?: FakeServer;
  readonly env?: Environment;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly tty?: boolean;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly localCommands?: readonly Command[];
  /** Hears each write to stdout; an error it returns is the stream's. */
  readonly onOutput?: (text: string) => Error | undefined;
}

export interface TerminalResult {
  readonly code: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

function collector(onText?: (text: string) => Error | undefined): {
  stream: Writable;
  text: () => string;
} {
  let text = "";
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done(onText?.(chunk.toString()));
    },
  });
  return { stream, text: () => text };
}

/** Runs one command line against fake streams and a fake server. */
export async function runInTerminal(
  argv: readonly string[],
  options: TerminalOptions = {},
): Promise<TerminalResult> {
  const stdout = collector(options.onOutput);
  const stderr = collector();
  const tty = options.tty ?? false;
  const code = await runCli(argv, {
    env: options.env ?? { REACTOR_API_KEY: "rk_test_key_of_the_fake_server" },
    cwd: options.cwd ?? "/nonexistent-folder",
    stdin: Readable.from(options.stdin === undefined ? [] : [Buffer.from(options.stdin)]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    isTTY: { stdin: false, stdout: tty, stderr: tty },
    version: "9.9.9",
    localCommands: options.localCommands ?? [],
    signal: options.signal ?? new AbortController().signal,
    clock: options.clock ?? createVirtualClock(),
    fetch: options.server?.fetch ?? (() => Promise.reject(new TypeError("connection refused"))),
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}
