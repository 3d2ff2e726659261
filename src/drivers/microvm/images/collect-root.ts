import { readdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { environmentInside, inside, sandboxProxyPort } from "../../process/sandbox-command.ts";
import type { ImageSource } from "./image-source.ts";
import { type ImageTools, runImageTool } from "./image-tools.ts";
import { agentFolder } from "./make-initramfs.ts";
import { RootTree } from "./root-tree.ts";
import { sharedLibraries } from "./shared-libraries.ts";

/** The agent's sources. */
const agentSources = join(import.meta.dirname, "../agent");
/** Where the machine mounts something, and what that needs. */
const mountPoints = ["/dev", "/proc", "/run", "/sys", "/tmp"];
/** Of the language that runtimes start with. */
const localeFolder = "/usr/lib/locale/C.utf8";
/** Loaded by the C library when a thread is cancelled or ends; no program names it. */
const lateLibrary = "libgcc_s.so.1";
/** The agent's socket for the runtime. */
const socketPath = `${inside.socketDir}/host.sock`;
/** Of what a folder holds: neither tests and windows, nor what is for building. */
const unneeded = /\/(tests?|idlelib|turtledemo|tkinter|_tkinter\..*|ensurepip|config-[^/]*)$|\.a$/;

/** Gathers what a machine's root holds, at the paths that the process sandbox has them at. */
export async function collectRoot(source: ImageSource, tools: ImageTools): Promise<RootTree> {
  const { runtime } = source;
  const tree = new RootTree();
  for (const path of mountPoints) tree.add({ kind: "folder", path });
  for (const name of ["bin", "lib", "lib64"]) {
    tree.add({ kind: "link", path: `/${name}`, target: `usr/${name}` });
  }
  tree.add({ kind: "link", path: "/etc/machine-id", target: "/run/machine-id" });
  addFileAs(tree, inside.runtime, runtime.binaryPath);
  const guestPath = `${inside.guestDir}/${runtime.guest.name}`;
  tree.add({ kind: "content", path: guestPath, content: await runtime.guest.build() });
  const start = startFile(source, guestPath);
  tree.add({ kind: "content", path: `${inside.guestDir}/start`, content: start });
  const locales = existsSync(localeFolder) ? [localeFolder] : [];
  for (const folder of [...locales, ...source.folders]) {
    await tree.addFolder(folder, (path) => !unneeded.test(path));
  }
  await addBusybox(tree, tools);
  const perl = await addAgent(tree, tools);
  const programs = [runtime.binaryPath, tools.perl, ...perl, ...librariesIn(tree)];
  await addLibraries(tree, programs, source, tools);
  return tree;
}

function addFileAs(tree: RootTree, path: string, from: string): void {
  tree.add({ kind: "file", path, from, executable: true });
}

/** How the agent starts the runtime; its lines are read by `agent/Reactor/Runtime.pm`. */
function startFile({ runtime }: ImageSource, guestPath: string): string {
  const env = Object.entries(environmentInside({ ...runtime.env, ...runtime.machineEnv }));
  const words = [
    inside.runtime,
    ...runtime.args,
    ...(runtime.socketArgs?.(socketPath) ?? []),
    guestPath,
    socketPath,
    String(sandboxProxyPort),
  ];
  const lines = [
    ...env.map(([name, value]) => `env ${name}=${value}`),
    ...words.map((word) => `arg ${word}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** The shell and the small programs that functions find in place of a machine's. */
async function addBusybox(tree: RootTree, { busybox }: ImageTools): Promise<void> {
  addFileAs(tree, "/usr/bin/busybox", busybox);
  const { stdout } = await runImageTool(busybox, ["--list"]);
  for (const name of stdout.split("\n").filter((line) => /^[\w.-]+$/.test(line))) {
    if (name === "busybox" || name === "perl") continue;
    tree.add({ kind: "link", path: `/usr/bin/${name}`, target: "busybox" });
  }
}

/** The agent, Perl and the modules that the agent loads; returns libraries among them. */
async function addAgent(tree: RootTree, { perl }: ImageTools): Promise<readonly string[]> {
  addFileAs(tree, "/usr/bin/perl", perl);
  const main = "agent.pl";
  for (const name of [main, ...(await readdir(join(agentSources, "Reactor")))]) {
    const at = name === main ? name : `Reactor/${name}`;
    const [path, from] = [join(agentFolder, at), join(agentSources, at)];
    tree.add({ kind: "file", path, from, executable: false });
  }
  // Perl knows best what it loads; the last list is of machine code.
  const program = 'print map { "$_\\n" } values %INC, @DynaLoader::dl_shared_objects';
  const args = [`-I${agentSources}`, "-MReactor::Agent", "-e", program];
  const { stdout } = await runImageTool(perl, args);
  const files = stdout.split("\n").filter((file) => file !== "" && !file.startsWith(agentSources));
  for (const file of files) tree.addFile(file);
  return files.filter((file) => file.endsWith(".so"));
}

function librariesIn(tree: RootTree): readonly string[] {
  return tree
    .entries()
    .flatMap((entry) =>
      entry.kind === "file" && /\.so(\.|$)/.test(entry.path) ? [entry.from] : [],
    );
}

async function addLibraries(
  tree: RootTree,
  programs: readonly string[],
  { runtime }: ImageSource,
  { ldd, env }: ImageTools,
): Promise<void> {
  const runtimeEnv = runtime.env;
  const libraries = await sharedLibraries(programs, { ldd, env, runtimeEnv });
  for (const library of libraries) tree.addFile(library, true);
  const libc = libraries.find((library) => library.endsWith("/libc.so.6"));
  if (libc === undefined) return;
  const late = join(dirname(libc), lateLibrary);
  if (existsSync(late)) tree.addFile(late, true);
}
