import { sha256Hex } from "../../src/base/digest.ts";
import { systemCaller } from "../../src/domain/caller.ts";
import { ReactorError } from "../../src/domain/errors.ts";
import type { Plan } from "../../src/domain/plan.ts";
import type { CommandName, Commands } from "../../src/control/control-plane.ts";
import { Draw } from "./draw.ts";
import { Life, servingSettings } from "./life.ts";
import { FunctionModel } from "./model/function-model.ts";
import { type OpenChange, Register } from "./model/register.ts";
import type { Sabotage } from "./sabotage.ts";
import { secretMark } from "./secret-mark.ts";
import { createSimulationClock } from "./simulation-clock.ts";
import { type BlobDisk, noBlobFaults } from "./storage/memory-blobs.ts";
import { createMemoryDisk } from "./storage/memory-store.ts";
import { Traffic } from "./traffic.ts";
import { type LoadResult, Trouble } from "./trouble.ts";

/** A promise of Reactor that did not hold. */
export class Violation extends Error {}

interface OpenCommand {
  readonly label: string;
  readonly changes: readonly OpenChange[];
}

/** A command with the registers that it changes if it succeeds. */
export interface CommandOptions<N extends CommandName> {
  readonly changes?: readonly OpenChange[];
  /** Hears the output in place of acknowledging the changes. */
  readonly onOutput?: (output: Commands[N]["output"]) => void;
}

/** Everything of one seed: the disks, the life that runs on them, what clients know, and the trace. */
export class World {
  readonly seed: number;
  readonly clock = createSimulationClock();
  readonly disk = createMemoryDisk();
  readonly blobDisk: BlobDisk = new Map();
  readonly blobFaults = noBlobFaults();
  /** Draws of the world itself, such as how a module's import goes. */
  readonly draw: Draw;
  readonly trouble = new Trouble();
  readonly traffic = new Traffic(this);
  readonly functions = new Map<string, FunctionModel>();
  /** Credentials by key id, with whether they are `live` or `revoked`. */
  readonly keys = new Map<string, { readonly key: string; readonly state: Register }>();
  readonly events: string[] = [];
  /** What happened how often, to see that the simulation reaches what it is about. */
  readonly counts = new Map<string, number>();
  life: Life;
  /** Whether the server is being stopped. */
  stopping = false;
  violation: Violation | undefined;
  readonly #open = new Set<OpenCommand>();
  readonly #sabotage: Sabotage | undefined;
  #lives = 0;

  constructor(seed: number, sabotage?: Sabotage) {
    this.seed = seed;
    this.#sabotage = sabotage;
    this.draw = new Draw(seed, 0);
    this.life = this.#newLife();
  }

  get openCommands(): readonly string[] {
    return [...this.#open].map(({ label }) => label);
  }

  get digest(): string {
    return sha256Hex(this.events.join("\n"));
  }

  /** A server on the same disks; `start` it. */
  renew(): void {
    this.trouble.clear();
    this.life = this.#newLife();
  }

  /** Ends the life as by `kill -9`: what was under way may have happened or not. */
  crash(): void {
    this.life.crash();
    this.traffic.lost();
    for (const { changes } of this.#open) for (const change of changes) change.unsure();
    this.#open.clear();
  }

  trace(event: string): void {
    this.events.push(`${this.clock.nowMs.toFixed(2)} ${event}`);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** Keeps the first violation; the seed ends after the step in which it was seen. */
  violate(message: string): void {
    this.trace(`VIOLATION ${message}`);
    this.violation ??= new Violation(message);
  }

  expect(holds: boolean, message: () => string): void {
    if (!holds) this.violate(message());
  }

  expectNoSecret(text: string, where: string): void {
    if (text.includes(secretMark))
      this.violate(`a secret shows in ${where}: ${text.slice(0, 300)}`);
  }

  function(name: string): FunctionModel {
    const known = this.functions.get(name) ?? new FunctionModel(name);
    this.functions.set(name, known);
    return known;
  }

  /** Runs a command and settles its registers by how it ended. Never rejects. */
  async run<N extends CommandName>(
    name: N,
    input: Commands[N]["input"],
    options: CommandOptions<N> = {},
  ): Promise<void> {
    const { life } = this;
    const { changes = [], onOutput } = options;
    const label = `${name} #${this.#lives}.${this.events.length}`;
    const open = { label, changes };
    this.#open.add(open);
    this.trace(`${label} starts`);
    try {
      const output = await life.running.execute(name, input, systemCaller);
      if (life.gone) return;
      this.#open.delete(open);
      this.#acknowledged(label, changes, onOutput && (() => onOutput(output)));
    } catch (error) {
      if (life.gone) return;
      this.#open.delete(open);
      this.#failed(label, changes, error);
    }
  }

  #acknowledged(
    label: string,
    changes: readonly OpenChange[],
    onOutput: (() => void) | undefined,
  ): void {
    this.trace(`${label} ok`);
    this.count(`${label.split(" ")[0]} ok`);
    if (onOutput !== undefined) onOutput();
    else for (const change of changes) change.acknowledged();
  }

  #failed(label: string, changes: readonly OpenChange[], error: unknown): void {
    const code = error instanceof ReactorError ? error.code : "bug";
    this.trace(`${label} ${code}`);
    this.count(`command ${code}`);
    if (!(error instanceof ReactorError) || code === "internal_error") {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.violate(`${label} failed by a bug: ${text}`);
      return;
    }
    this.expectNoSecret(`${error.message} ${JSON.stringify(error.details)}`, `error of ${label}`);
    const storage = code === "storage_unavailable" || code === "storage_full";
    if (storage && !this.trouble.storage && !this.stopping) {
      this.violate(`${label} says ${code} on a healthy store: ${error.message}`);
    }
    for (const change of changes)
      if (storage) change.unsure();
      else change.refused();
  }

  #newLife(): Life {
    this.#lives += 1;
    return new Life({
      clock: this.clock,
      disk: this.disk,
      blobDisk: this.blobDisk,
      blobFaults: this.blobFaults,
      seeds: [this.seed, this.#lives],
      sabotage: this.#sabotage,
      guests: {
        load: ({ spec }) => this.#load(spec.deploymentId),
        entered: (invocationId, deploymentId) => this.traffic.entered(invocationId, deploymentId),
        disturbs: (kind, deploymentId) => this.trouble.disturbed(kind, deploymentId),
      },
      onLog: (line) => {
        this.trace(`log ${line}`);
        this.expectNoSecret(line, "the server's log");
      },
      onPlan: (plan) => this.#planned(plan),
    });
  }

  #load(deploymentId: string): LoadResult {
    const result = this.trouble.load(this.draw, deploymentId);
    const { nowMs } = this.clock;
    const lastsMs = result === "never" ? servingSettings.startTimeoutMs : 0;
    this.trouble.starting(deploymentId, nowMs + lastsMs);
    return result;
  }

  #plan: Plan | undefined;

  #planned(plan: Plan): void {
    for (const model of this.functions.values()) {
      const key = `default:${model.name}`;
      if (plan.functions.get(key) === this.#plan?.functions.get(key)) continue;
      model.planChangedAtMs = this.clock.nowMs;
    }
    this.#plan = plan;
    this.trace(`plan ${plan.version}`);
  }
}
