import { attackFiles } from "./attack-files.ts";
import type { ProvenRuntime } from "./runtime-promise.ts";
import type { ScratchServer } from "./scratch-server.ts";

/** Outcomes of tries by name: `ok` with what was got, or the code of the error. */
export type Tries = Readonly<Record<string, string>>;

/** What a function's instance ended with, as the server tells its callers. */
export interface ToldExit {
  readonly reason: string;
  readonly limit_mb?: number;
  readonly peak_mb?: number;
}

/** What came of an attack: its answer, the platform's refusal, or a connection that was cut. */
export type AttackAnswer =
  | { readonly kind: "answered"; readonly value: unknown }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly exit: ToldExit | undefined;
    }
  | { readonly kind: "cut"; readonly bytes: number };

export interface AttackerOptions {
  readonly server: ScratchServer;
  readonly runtime: ProvenRuntime;
  readonly name: string;
  readonly signal: AbortSignal;
}

/** A function on the scratch server that attacks when it is told to. */
export class Attacker {
  readonly name: string;
  readonly #options: AttackerOptions;

  constructor(options: AttackerOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Deploys the function with these manifest keys. Rejects when the server refuses it. */
  static async deploy(
    options: AttackerOptions,
    manifest: Readonly<Record<string, unknown>>,
  ): Promise<Attacker> {
    const { server, runtime, name, signal } = options;
    const files = new Map(attackFiles(runtime));
    const keys = { name, runtime, ...manifest };
    files.set("reactor.json", new TextEncoder().encode(JSON.stringify(keys)));
    const input = { files, promote: true, createFunction: true };
    const deployment = await server.client.deploy(name, input, { signal });
    if (deployment.status === "ready") return new Attacker(options);
    const { message = "", log = "" } = deployment.failure ?? {};
    throw new Error(`"${name}" could not be deployed: ${message} ${log}`.trim());
  }

  /** Lets it attack; resolves with whatever comes of that. */
  async attack(
    attack: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<AttackAnswer> {
    const { server, signal } = this.#options;
    const response = await server.client.invoke(this.name, {
      body: JSON.stringify({ attack, args }),
      headers: { "Content-Type": "application/json" },
      signal,
    });
    const read = await readAll(response);
    if (!read.whole) return { kind: "cut", bytes: read.bytes };
    const value: unknown = JSON.parse(read.text);
    return response.ok ? { kind: "answered", value } : refusalOf(response.status, value);
  }

  /** The answer of an attack that nothing is to stop; rejects when something did. */
  async answer<T>(attack: string, args: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const answer = await this.attack(attack, args);
    if (answer.kind === "answered") return answer.value as T;
    throw new Error(`"${attack}" gave no answer: ${describeRefusal(answer)}`);
  }
}

const textCharsMax = 262_144;

interface Read {
  readonly text: string;
  readonly bytes: number;
  /** The body came to its end. */
  readonly whole: boolean;
}

async function readAll(response: Response): Promise<Read> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  try {
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      if (text.length < textCharsMax) text += decoder.decode(chunk, { stream: true });
    }
    return { text, bytes, whole: true };
  } catch {
    // The server cut it, which is what an attack may come to.
    return { text, bytes, whole: false };
  }
}

function refusalOf(status: number, value: unknown): AttackAnswer {
  const envelope = value as {
    readonly error?: {
      readonly code?: string;
      readonly message?: string;
      readonly details?: { readonly exit?: ToldExit };
    };
  };
  const { code = "none", message = "", details } = envelope.error ?? {};
  return { kind: "refused", status, code, message, exit: details?.exit };
}

/** A refusal or a cut in words. */
export function describeRefusal(answer: Exclude<AttackAnswer, { kind: "answered" }>): string {
  if (answer.kind === "cut") return `the answer was cut after ${answer.bytes} bytes`;
  const { status, code, message, exit } = answer;
  return `${status} ${code}${exit === undefined ? "" : ` (${exit.reason})`}: ${message}`;
}
