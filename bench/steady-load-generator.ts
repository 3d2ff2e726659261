/**
 * Program behind `startSteadyLoad`: takes its order as JSON, prints `running` after the first answers,
 * asks until its standard input ends and prints every answer as JSON.
 */
import { openConnection } from "./connection.ts";
import { type LoadAnswer, type LoadOrder, sharedNowMs } from "./steady-load.ts";

const order: LoadOrder = JSON.parse(process.argv[2] ?? "");
const answers: LoadAnswer[] = [];
const stopping = new AbortController();

async function ask(): Promise<void> {
  const connection = await openConnection(order.port);
  while (!stopping.signal.aborted) {
    const startedAtMs = sharedNowMs();
    const { status, body } = await connection
      .get(order.path)
      .catch((error: unknown) => ({ status: 0, body: String(error) }));
    answers.push({ startedAtMs, status, body });
    if (answers.length === order.connections) console.log("running");
    if (status === 0) break;
    await Bun.sleep(order.pauseMs);
  }
  connection.close();
}

const loops = Array.from({ length: order.connections }, ask);
await Bun.stdin.text();
stopping.abort();
await Promise.all(loops);
console.log(JSON.stringify(answers));
