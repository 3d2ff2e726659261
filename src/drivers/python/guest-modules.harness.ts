import { afterAll } from "bun:test";
import { join } from "node:path";

const folder = import.meta.dirname;

/** Calls functions of the guest's modules in an interpreter of its own, one after the other. */
export interface GuestModules {
  /** Runs an operation of `guest.harness.py` and resolves with its answer. */
  call<Answer>(op: string, request: Readonly<Record<string, unknown>>): Promise<Answer>;
}

/** Starts the interpreter; it ends after the test file's last test. */
export function openGuestModules(): GuestModules {
  const child = Bun.spawn(
    ["/usr/bin/python3", "-S", "-B", join(folder, "guest.harness.py"), join(folder, "guest")],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit", env: {} },
  );
  const lines = linesOf(child.stdout);
  afterAll(async () => {
    await child.stdin.end();
    await child.exited;
  });
  return {
    async call<Answer>(op: string, request: Readonly<Record<string, unknown>>): Promise<Answer> {
      void child.stdin.write(`${JSON.stringify({ op, ...request })}\n`);
      await child.stdin.flush();
      const { value } = await lines.next();
      if (value === undefined) throw new Error(`the interpreter ended during ${op}`);
      const answer: Answer = JSON.parse(value);
      return answer;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n")) {
      yield text.slice(0, at);
      text = text.slice(at + 1);
    }
  }
  return undefined;
}
