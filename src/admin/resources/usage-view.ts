import { z } from "@hono/zod-openapi";
import { type Allotment, gbSecondsOf, type UsageSums, vcpuMsOf } from "../../domain/usage.ts";

const usageShape = {
  run_ms: z.number().describe("Time on an instance: without waiting and without a cold start."),
  vcpu_ms: z.number().describe("That time multiplied by the processors of the instance."),
  gb_s: z
    .number()
    .describe("That time, in seconds, multiplied by the memory of the instance, in 1024 MB."),
};

/** What one invocation used. */
export const usageSchema = z.object(usageShape);

/** What many used. */
export const usageSumsShape = {
  invocations: z.int(),
  cold_starts: z.int(),
  ...usageShape,
  bytes_in: z.int(),
  bytes_out: z.int(),
};

export function usageView({
  runMs,
  allotment,
}: {
  readonly runMs: number;
  readonly allotment: Allotment | undefined;
}): z.output<typeof usageSchema> {
  return figures({
    runMs,
    vcpuMs: vcpuMsOf(runMs, allotment),
    gbSeconds: gbSecondsOf(runMs, allotment),
  });
}

export function usageSumsView(sums: UsageSums) {
  return {
    invocations: sums.invocations,
    cold_starts: sums.coldStarts,
    ...figures(sums),
    bytes_in: sums.bytesIn,
    bytes_out: sums.bytesOut,
  };
}

/** Times are measured to the microsecond; what is beyond that are remainders of the arithmetic. */
function figures({ runMs, vcpuMs, gbSeconds }: Pick<UsageSums, "runMs" | "vcpuMs" | "gbSeconds">) {
  return {
    run_ms: rounded(runMs, 1e3),
    vcpu_ms: rounded(vcpuMs, 1e3),
    gb_s: rounded(gbSeconds, 1e9),
  };
}

function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}
