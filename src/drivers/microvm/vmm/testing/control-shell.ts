import type { Machine } from "../machine.ts";

/** The shell at the control port of a machine of `tinyImage`. */
export interface ControlShell {
  /** Runs a line in the machine and resolves with what it prints. */
  run(line: string): Promise<string>;
  /** Sends a line that is not answered. */
  send(line: string): void;
}

/** Opens the shell; waits for the machine's first word when it has just booted. */
export async function controlShell(
  machine: Machine,
  { justBooted }: { readonly justBooted: boolean },
): Promise<ControlShell> {
  const socket = await machine.ports["reactor.control"];
  const waiting: ((line: string) => void)[] = [];
  const heard: string[] = [];
  let rest = "";
  socket.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) (waiting.shift() ?? ((each) => void heard.push(each)))(line);
  });
  const died = machine.ended.then((end) => {
    throw new Error(`the machine has ended: ${JSON.stringify(end)}`);
  });
  died.catch(() => {});
  const next = (): Promise<string> => {
    const line = heard.shift();
    if (line !== undefined) return Promise.resolve(line);
    return Promise.race([new Promise<string>((resolve) => void waiting.push(resolve)), died]);
  };
  if (justBooted) {
    const word = await next();
    if (word !== "hello 1") throw new Error(`the machine's first word is ${word}`);
  }
  return {
    send: (line) => void socket.write(`${line}\n`),
    async run(line) {
      socket.write(`${line}\n`);
      const answer = await next();
      if (!answer.startsWith("ok")) throw new Error(`the machine answered ${answer}`);
      return Buffer.from(answer.slice(3), "base64").toString().trimEnd();
    },
  };
}
