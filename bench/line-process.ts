/** A process whose lines on stdout are events. */
export interface LineProcess {
  /** Resolves with the first line that matches and that no earlier call has taken. */
  line(pattern: RegExp): Promise<string>;
  /** Sends the signal and resolves when it has ended. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

export function startLineProcess(options: {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}): LineProcess {
  const child = Bun.spawn([...options.command], {
    cwd: options.cwd,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: "/tmp", ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  let unread: string[] = [];
  let heard = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      unread.push(...lines);
      heard.resolve();
    }
  };
  void read();
  const ended = child.exited.then((code) => {
    throw new Error(`${options.command.join(" ")} ended with ${code}: ${unread.join("\n")}`);
  });
  // Whoever waits for a line hears of it; nobody else has to.
  ended.catch(() => undefined);
  return {
    async line(pattern) {
      for (;;) {
        const at = unread.findIndex((line) => pattern.test(line));
        const found = unread[at];
        if (found !== undefined) {
          unread = unread.slice(at + 1);
          return found;
        }
        heard = Promise.withResolvers();
        await Promise.race([heard.promise, ended]);
      }
    },
    async end(signal) {
      child.kill(signal);
      await child.exited;
    },
  };
}
