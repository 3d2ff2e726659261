import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { stripControls } from "./strip-controls.ts";

/** The few styles the CLI uses; `util.styleText` knows them by these names. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

export interface OutputOptions {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Machine output was asked for. */
  readonly json: boolean;
  /** Colours are allowed at all (no NO_COLOR, no TERM=dumb). */
  readonly colours: boolean;
}

/** A line on stderr that says what long work is doing; nothing when stderr is no terminal. */
export interface Progress {
  update(text: string): void;
  /** Removes the line. May be called twice. */
  end(): void;
}

/** Where a command's results and remarks go: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  readonly isTTY: OutputOptions["isTTY"];
  /** Prints the value as JSON under `--json`, else what `human` returns. */
  readonly result: (value: unknown, human: () => string) => void;
  /** Prints one value per line of JSON under `--json`, else the text; for streams. */
  readonly item: (value: unknown, text: () => string) => void;
  /** Raw bytes to stdout; resolves when more may be written. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** A remark for people, on stderr; not printed under `--json`. */
  readonly note: (text: string) => void;
  /** A warning, on stderr. */
  readonly warn: (text: string) => void;
  /** Anything else, on stderr. */
  readonly error: (text: string) => void;
  readonly progress: (text: string) => Progress;
  /** Styles text for stdout when it is a terminal that wants colours. */
  readonly style: (style: Style, text: string) => string;
  /** The same for stderr. */
  readonly styleError: (style: Style, text: string) => string;
}

/** Waits for the stream to take more, or to fail; the failure itself is the runner's business. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      stream.off("error", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    stream.on("error", done);
  });
}

/** Creates the output of one run. */
export function createOutput(options: OutputOptions): Output {
  const { stdout, stderr, isTTY, json } = options;
  const painter =
    (terminal: boolean) =>
    (style: Style, text: string): string =>
      options.colours && terminal ? styleText(style, text, { validateStream: false }) : text;
  const style = painter(isTTY.stdout);
  const styleError = painter(isTTY.stderr);
  const lineTo = (stream: Writable, text: string): void => {
    stream.write(text.endsWith("\n") ? text : `${text}\n`);
  };
  return {
    json,
    isTTY,
    style,
    styleError,
    result: (value, human) => lineTo(stdout, json ? JSON.stringify(value, undefined, 2) : human()),
    item: (value, text) => lineTo(stdout, json ? JSON.stringify(value) : text()),
    async write(bytes) {
      if (!stdout.write(bytes)) await drained(stdout);
    },
    note(text) {
      if (!json) lineTo(stderr, text);
    },
    warn: (text) => lineTo(stderr, `${styleError("yellow", "warning:")} ${text}`),
    error: (text) => lineTo(stderr, text),
    progress(text) {
      const visible = isTTY.stderr && !json;
      const show = (now: string): void => {
        if (visible) stderr.write(`\r\u001b[2K${styleError("dim", stripControls(now))}`);
      };
      show(text);
      let ended = false;
      return {
        update: (now) => (ended ? undefined : show(now)),
        end() {
          if (!ended && visible) stderr.write("\r\u001b[2K");
          ended = true;
        },
      };
    },
  };
}
