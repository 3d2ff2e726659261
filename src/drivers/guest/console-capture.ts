import type { Clock } from "../../base/clock.ts";
import { type LogLevelCode, logLevelCode } from "./log-output.ts";
import type { LogScope } from "./log-scope.ts";
import type { GuestPlatform } from "./platform.ts";

type ConsoleMethod = (...args: unknown[]) => void;

export interface ConsoleCaptureOptions {
  readonly platform: GuestPlatform;
  readonly clock: Clock;
  /** The scope of the code that runs now. */
  readonly scope: () => LogScope;
}

/** Renders console arguments: strings as they are, everything else as the runtime inspects it. */
export function renderArguments(platform: GuestPlatform, args: readonly unknown[]): string {
  if (args.length === 1 && typeof args[0] === "string") return args[0];
  return platform.format(args);
}

/** Sends everything written through `target` (the global console) to the log of the code that runs. */
export function captureConsole(target: Console, options: ConsoleCaptureOptions): void {
  const methods = { ...lineMethods(options), ...countMethods(options), ...timeMethods(options) };
  Object.assign(target, methods);
}

function lineMethods(options: ConsoleCaptureOptions): Record<string, ConsoleMethod> {
  const { platform, scope } = options;
  const writer =
    (level: LogLevelCode): ConsoleMethod =>
    (...args) =>
      scope().log(level, renderArguments(platform, args));
  const group: ConsoleMethod = (...label) => {
    const current = scope();
    if (label.length > 0) current.log(logLevelCode.info, renderArguments(platform, label));
    current.indent += "  ";
  };
  return {
    log: writer(logLevelCode.info),
    info: writer(logLevelCode.info),
    dirxml: writer(logLevelCode.info),
    debug: writer(logLevelCode.debug),
    warn: writer(logLevelCode.warn),
    error: writer(logLevelCode.error),
    dir: (value, inspectOptions) =>
      scope().log(logLevelCode.info, platform.inspect(value, inspectOptions)),
    table(rows, columns) {
      const names = Array.isArray(columns) ? columns.map(String) : undefined;
      const text =
        typeof rows === "object" && rows !== null
          ? platform.table(rows, names)
          : renderArguments(platform, [rows]);
      scope().log(logLevelCode.info, text);
    },
    trace(...args) {
      const frames = (new Error("trace").stack ?? "").split("\n").slice(2);
      const title = args.length === 0 ? "Trace" : `Trace: ${renderArguments(platform, args)}`;
      scope().log(logLevelCode.debug, [title, ...frames].join("\n"));
    },
    assert(condition, ...args) {
      if (condition) return;
      const text = args.length === 0 ? "" : `: ${renderArguments(platform, args)}`;
      scope().log(logLevelCode.error, `Assertion failed${text}`);
    },
    group,
    groupCollapsed: group,
    groupEnd() {
      const current = scope();
      current.indent = current.indent.slice(2);
    },
    // There is no screen to clear, and the log keeps what it has.
    clear() {},
  };
}

function countMethods(options: ConsoleCaptureOptions): Record<string, ConsoleMethod> {
  const { scope } = options;
  return {
    count(label = "default") {
      const current = scope();
      const count = (current.counts.get(String(label)) ?? 0) + 1;
      current.counts.set(String(label), count);
      current.log(logLevelCode.info, `${String(label)}: ${count}`);
    },
    countReset(label = "default") {
      if (!scope().counts.delete(String(label))) {
        scope().log(logLevelCode.warn, `Count for '${String(label)}' does not exist`);
      }
    },
  };
}

function timeMethods(options: ConsoleCaptureOptions): Record<string, ConsoleMethod> {
  const { platform, clock, scope } = options;
  const report = (label: string, args: readonly unknown[]): void => {
    const startedMs = scope().timers.get(label);
    if (startedMs === undefined) {
      scope().log(logLevelCode.warn, `No such label '${label}' for console.time`);
      return;
    }
    const elapsed = `${label}: ${(clock.monotonicMs() - startedMs).toFixed(3)}ms`;
    const text = args.length === 0 ? elapsed : `${elapsed} ${renderArguments(platform, args)}`;
    scope().log(logLevelCode.info, text);
  };
  return {
    time: (label = "default") => void scope().timers.set(String(label), clock.monotonicMs()),
    timeLog: (label = "default", ...args) => report(String(label), args),
    timeEnd(label = "default") {
      report(String(label), []);
      scope().timers.delete(String(label));
    },
  };
}
