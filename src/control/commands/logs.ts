import { ReactorError } from "../../domain/errors.ts";
import type { FunctionRecord } from "../../domain/function.ts";
import type { LogQuery } from "../../journal/journal.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { Commands, FunctionRef } from "../control-plane.ts";
import { findFunction } from "../find-function.ts";
import { parseLimit } from "../parse-page.ts";

const linesMax = 10_000;
const requestIdCharsMax = 256;

async function owner(context: CommandContext, input: FunctionRef): Promise<FunctionRecord> {
  const project = await context.project(input.project);
  const hints = { plan: context.plans.plan, caller: context.caller };
  return context.store.read((reader) => findFunction(reader, project, input.function, hints));
}

type Filter = Pick<Commands["logs.read"]["input"], "afterSeq" | "levels" | "requestId"> & {
  readonly sinceMs?: number | undefined;
};

/** The journal's query for the filters that were given; `invalid_request` for senseless ones. */
function logQuery(functionId: string, filter: Filter): Omit<LogQuery, "limit"> {
  const { afterSeq, sinceMs, levels, requestId } = filter;
  if (afterSeq !== undefined && !(Number.isSafeInteger(afterSeq) && afterSeq >= 0)) {
    throw new ReactorError("invalid_request", "Cannot read logs: after must be a whole number");
  }
  if (sinceMs !== undefined && !Number.isFinite(sinceMs)) {
    throw new ReactorError("invalid_request", "Cannot read logs: since must be a time");
  }
  if (requestId !== undefined && requestId.length > requestIdCharsMax) {
    const bound = `at most ${requestIdCharsMax} characters are allowed`;
    throw new ReactorError(
      "invalid_request",
      `Cannot read logs: the request id is too long; ${bound}`,
    );
  }
  return {
    functionId,
    ...(afterSeq === undefined ? {} : { afterSeq }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(levels === undefined ? {} : { levels }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

export const logCommands: CommandTable<"logs.read" | "logs.follow"> = {
  "logs.read": {
    access: (input) => onFunction(input, ["logs"]),
    async run(context, input) {
      const limit = parseLimit(input.limit, linesMax);
      const record = await owner(context, input);
      const query = logQuery(record.id, input);
      // Lines of an invocation that was answered a moment ago must be there.
      await context.journal.flush();
      return context.journal.logs({ ...query, limit });
    },
  },
  "logs.follow": {
    access: (input) => onFunction(input, ["logs"]),
    async run(context, input) {
      const record = await owner(context, input);
      return context.journal.follow(logQuery(record.id, input), input.signal);
    },
  },
};
