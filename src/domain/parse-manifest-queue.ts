import { defaultManifestQueue, type ManifestQueue } from "./manifest-queue.ts";
import { eventTypes } from "./event.ts";
import { parseSchedules } from "./parse-schedules.ts";
import { invalidManifest, type ManifestReader } from "./manifest-reader.ts";

/** The part of a manifest that is about queued invocations. */
export function parseManifestQueue(read: ManifestReader): ManifestQueue {
  const defaults = defaultManifestQueue;
  const backoffMsMin = read.number("/retry/min_backoff_ms") ?? defaults.backoffMsMin;
  const backoffMsMax =
    read.number("/retry/max_backoff_ms") ?? Math.max(defaults.backoffMsMax, backoffMsMin);
  if (backoffMsMax < backoffMsMin) {
    throw invalidManifest(
      "/retry/max_backoff_ms",
      `it is ${backoffMsMax}, must not be under min_backoff_ms (${backoffMsMin})`,
    );
  }
  const ageSecs = read.number("/retry/max_age_secs");
  return {
    always: read.boolean("/async") ?? defaults.always,
    attemptsMax: read.number("/retry/max_attempts") ?? defaults.attemptsMax,
    backoffMsMin,
    backoffMsMax,
    ageMsMax: ageSecs === undefined ? defaults.ageMsMax : ageSecs * 1000,
    concurrency: read.number("/concurrency/max_async"),
    onSuccess: read.string("/destinations/on_success"),
    onFailure: read.string("/destinations/on_failure"),
    schedules: parseSchedules(read.raw("/schedule")),
    events: parseEvents(read),
  };
}

function parseEvents(read: ManifestReader): ManifestQueue["events"] {
  const named = read.strings("/events") ?? [];
  return eventTypes.filter((type) => named.includes(type));
}
