import { UsageError } from "../../cli/usage-error.ts";

/** The settings cannot be used. Every problem found is listed, not only the first. */
export class ConfigError extends UsageError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], options: { cause?: unknown } = {}) {
    const [only, ...more] = problems;
    const list = more.length === 0 ? ` ${only}` : problems.map((text) => `\n  - ${text}`).join("");
    super(`Cannot use the settings:${list}`, { ...options, next: "reactor config --help" });
    this.name = "ConfigError";
    this.problems = problems;
  }
}
