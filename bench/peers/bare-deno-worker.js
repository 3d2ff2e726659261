// Web Workers in a plain Deno program, from a Blob and with net permission only. argv: code that
// defines `handler`, its input and its answer as JSON. Each number on stdin asks for so many calls of
// a worker that is kept, 0 for a new worker and its first call; a line of JSON answers.
const { Deno } = globalThis;
const [handlerCode, inputJson, answerJson] = Deno.args;
const code = `${handlerCode}
onmessage = async ({ data }) => postMessage(await handler(data));
postMessage("ready");`;
const input = JSON.parse(inputJson);
const none = { read: false, write: false, env: false, run: false, ffi: false, sys: false };

/** An error that nobody hears ends the program, which the bench notices. */
const heard = (worker) =>
  new Promise((resolve) => {
    worker.addEventListener("message", ({ data }) => resolve(data), { once: true });
  });

async function make() {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const worker = new Worker(url, {
    type: "module",
    deno: { permissions: { ...none, net: true, import: false } },
  });
  const word = await heard(worker);
  if (word !== "ready") throw new Error(`The worker began with ${word}`);
  return worker;
}

async function call(worker) {
  const answer = heard(worker);
  worker.postMessage(input, []);
  const json = JSON.stringify(await answer);
  if (json !== answerJson) throw new Error(`The worker answered ${json}`);
}

async function first() {
  const startedAtMs = performance.now();
  const worker = await make();
  const readyMs = performance.now() - startedAtMs;
  await call(worker);
  const answerMs = performance.now() - startedAtMs;
  worker.terminate();
  return { readyMs, answerMs };
}

const kept = await make();

async function warm(count) {
  const callMs = [];
  for (let i = 0; i < count; i++) {
    const startedAtMs = performance.now();
    await call(kept);
    callMs.push(performance.now() - startedAtMs);
  }
  return callMs;
}

for await (const line of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const count = Number(line);
  console.log(JSON.stringify(count === 0 ? await first() : await warm(count)));
}
