import { invalidManifest, kindOf, shown, wrongType } from "./manifest-reader.ts";
import { nearestKey } from "./nearest-key.ts";
import { catchUps, type Schedule, scheduleFault } from "./schedule.ts";

const pointer = "/schedule";
const itemKeys = ["cron", "timezone", "payload", "catch_up"];
const schedulesMax = 32;
const payloadBytesMax = 65_536;

/** The manifest's `schedule`, every default filled in. */
export function parseSchedules(value: unknown): readonly Schedule[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(pointer, value, "an array of schedules");
  if (value.length > schedulesMax) {
    throw invalidManifest(
      pointer,
      `it has ${value.length} items, at most ${schedulesMax} are allowed`,
    );
  }
  const schedules = value.map((item, index) => parseSchedule(item, `${pointer}/${index}`));
  const seen = new Set<string>();
  for (const [index, schedule] of schedules.entries()) {
    const key = JSON.stringify(schedule);
    if (seen.has(key)) throw invalidManifest(`${pointer}/${index}`, "it is listed twice");
    seen.add(key);
  }
  return schedules;
}

function parseSchedule(item: unknown, at: string): Schedule {
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    throw wrongType(at, item, 'an object such as { "cron": "0 8 * * *" }');
  }
  const values = new Map<string, unknown>(Object.entries(item));
  for (const key of values.keys()) {
    if (itemKeys.includes(key)) continue;
    const nearest = nearestKey(key, itemKeys) ?? "cron";
    throw invalidManifest(
      `${at}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      `there is no such key; the nearest valid key is "${nearest}"`,
    );
  }
  const cron = readText(values.get("cron"), `${at}/cron`);
  const timezone = values.has("timezone")
    ? readText(values.get("timezone"), `${at}/timezone`)
    : "UTC";
  const zoneFault = scheduleFault({ cron: "* * * * *", timezone });
  if (zoneFault !== undefined) {
    throw invalidManifest(
      `${at}/timezone`,
      `it is ${shown(timezone)}, must be the name of a time zone such as Europe/Berlin`,
    );
  }
  const fault = scheduleFault({ cron, timezone });
  if (fault !== undefined) {
    throw invalidManifest(
      `${at}/cron`,
      `it is ${shown(cron)}, must be a cron expression such as "0 8 * * *": ${fault}`,
    );
  }
  return { cron, timezone, payload: readPayload(values, at), catchUp: readCatchUp(values, at) };
}

function readPayload(values: ReadonlyMap<string, unknown>, at: string): string {
  const payload = JSON.stringify(values.has("payload") ? values.get("payload") : {});
  const bytes = Buffer.byteLength(payload);
  if (bytes <= payloadBytesMax) return payload;
  throw invalidManifest(
    `${at}/payload`,
    `it has ${bytes} bytes as JSON, at most ${payloadBytesMax} are allowed`,
  );
}

function readCatchUp(values: ReadonlyMap<string, unknown>, at: string): Schedule["catchUp"] {
  if (!values.has("catch_up")) return "skip";
  const value = values.get("catch_up");
  const found = catchUps.find((one) => one === value);
  if (found !== undefined) return found;
  const is = typeof value === "string" ? shown(value) : kindOf(value);
  throw invalidManifest(`${at}/catch_up`, `it is ${is}, must be one of ${catchUps.join(", ")}`);
}

function readText(value: unknown, at: string): string {
  if (typeof value !== "string") throw wrongType(at, value, "a string");
  if (value !== "" && value.length <= 120) return value;
  throw invalidManifest(at, `it has ${value.length} characters, must have 1 to 120`);
}
