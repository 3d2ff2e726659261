import type { PolicyResource } from "../../../client/resources.ts";

/** A rule in one line. */
export function describeRule({ rule }: PolicyResource): string {
  switch (rule.kind) {
    case "method":
      return `method ${rule.methods.join(", ")}`;
    case "path":
      return `path ${rule.match} ${rule.paths.join(", ")}`;
    case "time_window": {
      const days = rule.days?.join(",") ?? "every day";
      return `${days} ${rule.hours?.join(",") ?? "all day"} ${rule.timezone}`;
    }
    case "cel":
      return `cel ${rule.expression}`;
  }
}
