import fs from "node:fs";
import { codeOf, outcomes } from "./outcome.js";

const bytesPerMb = 1_048_576;

function numbered(folder) {
  return fs.readdirSync(folder).filter((name) => /^\d+$/.test(name));
}

export const fileAttacks = {
  /** Reads files, and lists folders. */
  read: ({ paths }) =>
    outcomes(
      paths.map((path) => [
        path,
        () => {
          if (!fs.statSync(path).isDirectory()) return `${fs.readFileSync(path).length} bytes`;
          const names = fs.readdirSync(path);
          if (names.length === 0) throw Object.assign(new Error("empty"), { code: "EMPTY" });
          return `${names.length} entries`;
        },
      ]),
    ),

  /** Creates files, and removes them again. */
  write: ({ paths }) =>
    outcomes(
      paths.map((path) => [
        path,
        () => {
          fs.writeFileSync(path, "reactor doctor");
          fs.rmSync(path);
        },
      ]),
    ),

  /** Keeps a file where only this function is to find it; answers with its path. */
  keep({ name, text }) {
    const path = `${process.env.TMPDIR ?? "/tmp"}/${name}`;
    fs.writeFileSync(path, text);
    return { path };
  },

  /** Looks for a text in the environment and arguments of every process that it sees. */
  seek({ text }) {
    let readable = 0;
    const found = [];
    const denied = new Set();
    const look = (where, read) => {
      try {
        const content = read();
        readable += 1;
        if (content.includes(text)) found.push(where);
      } catch (error) {
        denied.add(codeOf(error));
      }
    };
    let pids = [];
    try {
      pids = numbered("/proc");
    } catch (error) {
      denied.add(codeOf(error));
    }
    for (const pid of [...pids, "self"]) {
      for (const file of ["environ", "cmdline"]) {
        look(`/proc/${pid}/${file}`, () => fs.readFileSync(`/proc/${pid}/${file}`, "latin1"));
      }
    }
    return { readable, found, denied: [...denied] };
  },

  /** Fills a folder, and empties it again. */
  fill({ folder, name, megabytesMax }) {
    const chunk = Buffer.alloc(bytesPerMb, 1);
    const files = [];
    let code = "none";
    let megabytes = 0;
    try {
      for (; megabytes < megabytesMax; megabytes += 1) {
        files.push(`${folder}/${name}-${megabytes}`);
        fs.writeFileSync(files.at(-1), chunk);
      }
    } catch (error) {
      code = codeOf(error);
    }
    for (const file of files) remove(file);
    return { megabytes, code };
  },
};

function remove(file) {
  try {
    fs.rmSync(file, { force: true });
  } catch (error) {
    // Who may not write there may not look there either.
    if (codeOf(error) !== "NotCapable") throw error;
  }
}
