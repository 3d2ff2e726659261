import { expect, test } from "bun:test";
import { gate } from "./sandbox-command.ts";

/** What a program behind the gate prints when the gate's stdin is this and then ends. */
function behindGate(stdin: string, inGroup: boolean): { code: number; printed: string } {
  const groups = inGroup ? { controllers: ["memory", "cpu", "pids"] as const } : undefined;
  const command = [...gate({ groups, processesMax: 64 }, undefined), "/bin/echo", "begun"];
  const { exitCode, stdout } = Bun.spawnSync(command, { stdin: Buffer.from(stdin) });
  return { code: exitCode, printed: stdout.toString() };
}

test("what gets a group begins with the line that says it is in there, and never without", () => {
  expect(behindGate("\n", true)).toEqual({ code: 0, printed: "begun\n" });
  expect(behindGate("", true)).toEqual({ code: 1, printed: "" });
  expect(behindGate("", false)).toEqual({ code: 0, printed: "begun\n" });
});
