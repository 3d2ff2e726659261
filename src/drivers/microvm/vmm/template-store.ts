import { createHash } from "node:crypto";
import { existsSync, mkdirSync } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import { startTimeOf } from "../../process/process-tree.ts";
import type { SnapshotFiles } from "./machine.ts";
import {
  deploymentOf,
  diskBytes,
  identityOf,
  isIntact,
  makeTemplateFiles,
  type TemplateIdentity,
  templateFiles,
  writeRecord,
} from "./template-files.ts";

const keyPattern = /^[0-9a-f]{64}$/;
/** Who builds it, by process and when that started: ids are given out again. */
const draftName = /^building-(\d+)-(\d+)-[0-9a-z]+$/;
/** The kernel's times stand still for up to 10 ms, in which a change would not show. */
const settledMs = 50;

/** What makes two templates differ, e.g. the image, the memory size and the VMM's version. */
export type TemplateParts = Readonly<Record<string, string | number>>;

export interface TemplateStoreOptions {
  /** Belongs to this store alone. */
  readonly folder: string;
  /** What all templates may take on the disk together; the least recently used ones go first. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Fills the files of a new template, which are there; `ramPath` has the size of the memory already. */
export type BuildTemplate = (files: SnapshotFiles) => Promise<void>;

export interface TemplateRequest {
  readonly parts: TemplateParts;
  readonly memoryMb: number;
  /** The deployment whose code it will hold; absent: none. */
  readonly deploymentId?: string | undefined;
  readonly build: BuildTemplate;
}

export interface StoredTemplate extends SnapshotFiles {
  /** Digest of its parts. */
  readonly key: string;
}

/**
 * Templates on the disk, each in a folder named by the digest of what it was made of. A folder gets
 * that name when the template is complete, so that what a crash leaves is never taken for one; its
 * bytes are checked when this process first uses it and whenever the files changed since.
 */
export class TemplateStore {
  readonly #options: TemplateStoreOptions;
  readonly #running = new Map<string, Promise<StoredTemplate>>();
  /** Identity of the files that were found intact, by key. */
  readonly #checked = new Map<string, string>();

  private constructor(options: TemplateStoreOptions) {
    this.#options = options;
  }

  /** Opens the folder and removes what was being built by processes that have died. */
  static async open(options: TemplateStoreOptions): Promise<TemplateStore> {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const names = await readdir(options.folder);
    const stale = names.filter(isLeftOver);
    await Promise.all(stale.map((name) => remove(join(options.folder, name))));
    return new TemplateStore(options);
  }

  /** The template of these parts; built when there is none, once for all who ask meanwhile. */
  ensure(request: TemplateRequest): Promise<StoredTemplate> {
    const key = keyOf(request.parts);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const ensured = this.#ensure(key, request).finally(() => this.#running.delete(key));
    this.#running.set(key, ensured);
    return ensured;
  }

  /** The template of these parts, where there is one that is whole. */
  async find(parts: TemplateParts): Promise<StoredTemplate | undefined> {
    const key = keyOf(parts);
    if (!(await this.#isUsable(key))) return undefined;
    return this.#used(key);
  }

  /** Removes a template that turned out to be of no use. Machines made of it go on. */
  async discard({ key }: StoredTemplate): Promise<void> {
    this.#checked.delete(key);
    await remove(this.#folderOf(key));
  }

  async #ensure(key: string, request: TemplateRequest): Promise<StoredTemplate> {
    const folder = this.#folderOf(key);
    if (!(await this.#isUsable(key))) {
      await remove(folder);
      await this.#build(key, request);
      await this.#makeRoom(key);
    }
    return this.#used(key);
  }

  async #used(key: string): Promise<StoredTemplate> {
    const folder = this.#folderOf(key);
    const now = new Date(this.#options.clock.now());
    await utimes(folder, now, now);
    return { key, ...templateFiles(folder) };
  }

  async #isUsable(key: string): Promise<boolean> {
    const folder = this.#folderOf(key);
    try {
      const identity = await identityOf(folder);
      if (this.#checked.get(key) === identity.text) return true;
      this.#checked.delete(key);
      if (!(await isIntact(folder, key))) {
        this.#options.log.warn("A template of virtual machines is damaged and built anew", { key });
        return false;
      }
      this.#remember(key, identity);
      return true;
    } catch {
      // There is none, or a part of it is missing.
      return false;
    }
  }

  async #build(key: string, { memoryMb, deploymentId, build }: TemplateRequest): Promise<void> {
    const { folder: base, random } = this.#options;
    const folder = join(base, draftNameOf(random));
    const files = makeTemplateFiles(folder, memoryMb);
    try {
      await build(files);
      await writeRecord(folder, { key, deploymentId });
      await this.#finish(folder, key);
      this.#remember(key, await identityOf(this.#folderOf(key)));
    } catch (error) {
      await remove(folder);
      throw error;
    }
  }

  async #finish(draft: string, key: string): Promise<void> {
    try {
      await rename(draft, this.#folderOf(key));
    } catch (error) {
      // Another process on this folder was first; its template is as good.
      if (!(await isIntact(this.#folderOf(key), key))) throw error;
      await remove(draft);
    }
  }

  #remember(key: string, { text, changedMs }: TemplateIdentity): void {
    if (this.#options.clock.now() - changedMs >= settledMs) this.#checked.set(key, text);
  }

  /** Removes the least recently used templates until the others have room; never the one of `key`. */
  async #makeRoom(key: string): Promise<void> {
    const { folder, bytesMax, log } = this.#options;
    const names = (await readdir(folder)).filter((name) => keyPattern.test(name));
    const all = await Promise.all(names.map((name) => this.#sizeOf(name)));
    let total = all.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const each of all.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (total <= bytesMax) return;
      if (each.key === key || this.#running.has(each.key)) continue;
      await remove(this.#folderOf(each.key));
      this.#checked.delete(each.key);
      total -= each.bytes;
      log.info("Removed the least recently used template of virtual machines", { key: each.key });
    }
  }

  async #sizeOf(key: string): Promise<{ key: string; bytes: number; usedMs: number }> {
    const folder = this.#folderOf(key);
    try {
      const { mtimeMs } = await stat(folder);
      return { key, bytes: await diskBytes(folder), usedMs: mtimeMs };
    } catch {
      // A part is missing: the first to go.
      return { key, bytes: 0, usedMs: 0 };
    }
  }

  #folderOf(key: string): string {
    return join(this.#options.folder, key);
  }
}

function keyOf(parts: TemplateParts): string {
  const sorted = Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

function draftNameOf(random: Random): string {
  return `building-${process.pid}-${startTimeOf(process.pid)}-${random.uint32().toString(36)}`;
}

function isLeftOver(name: string): boolean {
  const [, pid, startTime] = draftName.exec(name) ?? [];
  return pid !== undefined && startTimeOf(Number(pid)) !== startTime;
}

/**
 * Removes the templates below a store's folder that hold the code of a deployment for which `isKept` is
 * false. Machines made of them go on.
 */
export async function removeDeployments(
  folder: string,
  isKept: (deploymentId: string) => boolean,
): Promise<void> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names.filter((each) => keyPattern.test(each))) {
    const deploymentId = await deploymentOf(join(folder, name));
    if (deploymentId !== undefined && !isKept(deploymentId)) await remove(join(folder, name));
  }
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
