/** What happens on the platform that functions may be bound to. */
export const eventTypes = ["deployment.ready", "deployment.failed", "invocation.dead"] as const;
export type EventType = (typeof eventTypes)[number];

/** Something that happened to a function. */
export interface PlatformEvent {
  readonly type: EventType;
  readonly projectId: string;
  readonly functionName: string;
  /** How many queued invocations follow from one another up to this one. */
  readonly depth: number;
  /** Facts of the type, named as the API names them. */
  readonly data: Readonly<Record<string, unknown>>;
}
