import { spawn } from "node:child_process";
import fs from "node:fs";
import net from "node:net";
import { after, codeOf } from "./outcome.js";

const bytesPerMb = 1_048_576;
const stepMb = 8;

const grow = {
  heap: () => Array.from({ length: bytesPerMb }, (_, index) => index + 0.5),
  buffers: () => Buffer.alloc(stepMb * bytesPerMb, 1),
};

export const resourceAttacks = {
  /** Takes memory step by step; answers only when nothing stopped it. */
  async allocate({ kind, megabytesMax }) {
    const kept = [];
    for (let taken = 0; taken < megabytesMax; taken += stepMb) {
      kept.push(grow[kind]());
      await after(2);
    }
    return { megabytes: kept.length * stepMb };
  },

  /** Starts processes that wait, and ends them again. */
  async spawn({ countMax }) {
    const children = [];
    let code = "none";
    try {
      while (children.length < countMax) {
        const child = spawn("/bin/sleep", ["60"], { stdio: "ignore" });
        await new Promise((resolve, reject) => {
          child.once("spawn", resolve);
          child.once("error", reject);
        });
        children.push(child);
      }
    } catch (error) {
      code = codeOf(error);
    }
    for (const child of children) child.kill("SIGKILL");
    return { count: children.length, code };
  },

  /** Opens descriptors: files, or sockets where files may not be opened. */
  async open({ countMax }) {
    const opened = [];
    let code = "none";
    try {
      while (opened.length < countMax) opened.push(openFile());
    } catch (error) {
      code = codeOf(error);
    }
    if (opened.length === 0) return listen(countMax, code);
    for (const descriptor of opened) fs.closeSync(descriptor);
    return { count: opened.length, code, what: "files" };
  },

  /** Never gives the processor back. */
  spin() {
    for (;;) Math.sqrt(2);
  },

  /** Keeps processors busy, each process in a session of its own: some kernels are fair to sessions. */
  async burn({ processes, ms }) {
    const children = [];
    let code = "none";
    try {
      for (let index = 1; index < processes; index += 1) {
        const options = { stdio: "ignore", detached: true };
        children.push(spawn("/bin/sh", ["-c", "while :; do :; done"], options));
        children.at(-1).once("error", () => {});
      }
    } catch (error) {
      code = codeOf(error);
    }
    const untilMs = Date.now() + ms;
    while (Date.now() < untilMs) Math.sqrt(2);
    for (const child of children) child.kill("SIGKILL");
    return { code };
  },

  /** Writes lines as fast as it can. */
  async flood({ lines, characters }) {
    const text = "x".repeat(characters);
    for (let line = 0; line < lines; line += 1) {
      console.log(text);
      if (line % 256 === 255) await after(0);
    }
    return { lines };
  },

  /** Answers without end. */
  endless() {
    const chunk = new Uint8Array(65_536).fill(120);
    return new Response(
      new ReadableStream({
        async pull(controller) {
          await after(0);
          controller.enqueue(chunk);
        },
      }),
    );
  },
};

function openFile() {
  return fs.openSync("/dev/null", "r");
}

/** Listens on as many free ports as it may. */
async function listen(countMax, refusal) {
  const servers = [];
  let code = refusal;
  try {
    while (servers.length < countMax) {
      const server = net.createServer();
      await new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(0, "127.0.0.1", resolve);
      });
      servers.push(server);
    }
  } catch (error) {
    code = codeOf(error);
  }
  for (const server of servers) server.close();
  return { count: servers.length, code, what: "sockets" };
}
