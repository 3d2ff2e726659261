import { Environment } from "@marcbachmann/cel-js";
import { compileGlob, globTextMax } from "../path-glob.ts";
import { zonedTime } from "../zoned-time.ts";
import { zonedGetters } from "./cel-functions.ts";
import { celLimits } from "./cel-limits.ts";
import { functionVariable } from "./reserved-name.ts";

const timestampType = "google.protobuf.Timestamp";

/** The name under which a getter with a time zone is registered; the library's own reads the server's zone. */
export function zonedName(getter: string): string {
  return `${getter}In`;
}

/** The variables, types and functions of every expression. */
export function createCelEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    limits: {
      maxAstNodes: celLimits.astNodes,
      maxDepth: celLimits.depth,
      maxListElements: celLimits.listElements,
      maxMapEntries: celLimits.mapEntries,
      maxCallArguments: celLimits.callArguments,
    },
  });
  environment
    .registerVariable("request", {
      schema: {
        method: "string",
        path: "string",
        host: "string",
        scheme: "string",
        ip: "string",
        headers: "map<string, string>",
        query: "map<string, string>",
      },
    })
    .registerVariable("caller", {
      schema: { kind: "string", id: "string", name: "string", claims: "map<string, dyn>" },
    })
    .registerVariable(functionVariable, { schema: { name: "string", project: "string" } })
    .registerVariable("deployment", {
      schema: { id: "string", revision: "int", runtime: "string", alias: "string" },
    })
    .registerVariable("now", timestampType);
  const globs = new Map<string, (text: string) => boolean>();
  environment.registerFunction("string.glob(string): bool", (text: string, glob: string) => {
    if (text.length > globTextMax)
      throw new RangeError(`The text has over ${globTextMax} characters`);
    const known = globs.get(glob);
    if (known !== undefined) return known(text);
    const compiled = compileGlob(glob);
    if (globs.size >= 1000) globs.clear();
    globs.set(glob, compiled);
    return compiled(text);
  });
  for (const [getter, read] of Object.entries(zonedGetters)) {
    environment.registerFunction(
      `${timestampType}.${zonedName(getter)}(string): int`,
      (moment: Date, zone: string) => BigInt(read(zonedTime(moment.getTime(), zone))),
    );
  }
  return environment;
}
