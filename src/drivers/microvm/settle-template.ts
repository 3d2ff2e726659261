import type { ProcessInstance } from "../process/process-instance.ts";
import type { ControlPort } from "./control-port.ts";
import { restMs } from "./personalise.ts";

/** How long the guest may take to answer once it has nothing to do. */
const answerMs = 20_000;

/**
 * Brings a machine whose instance has loaded a deployment's code to rest, so that it can be written
 * down. Rejects with what stands in the way: work that does not end, or a connection that is open,
 * which no copy would have.
 */
export async function settleTemplate(
  instance: Pick<ProcessInstance, "openStreams" | "responds">,
  control: Pick<ControlPort, "send">,
): Promise<void> {
  const rest = async (): Promise<void> => {
    await control.send("settle").catch((cause: unknown) => {
      throw new Error("what its import began does not come to rest", { cause });
    });
    const { openStreams } = instance;
    if (openStreams === 0) return;
    throw new Error(
      `its import left ${openStreams} connection${openStreams === 1 ? "" : "s"} open, which no copy would have; close what it opens (HTTP: "connection: close"), or open it in the handler`,
    );
  };
  await rest();
  await control.send("clock", String(restMs / 1000));
  if (!(await instance.responds(answerMs))) throw new Error("its event loop does not answer");
  // What the answer set going, and whatever came meanwhile.
  await rest();
}
