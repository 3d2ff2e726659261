import { ReactorError } from "../domain/errors.ts";

/** The open log followers; each holds a connection, so their number has a bound. */
export interface FollowerSet {
  /** A controller to end one follower by. Throws `too_many_requests` beyond the bound. */
  open(): AbortController;
  /** Forgets a follower that ended. */
  closed(follower: AbortController): void;
  /** Ends all of them and refuses new ones. */
  close(): void;
  readonly size: number;
}

export function createFollowerSet(followersMax: number): FollowerSet {
  const followers = new Set<AbortController>();
  let closing = false;
  return {
    open() {
      if (closing || followers.size >= followersMax) {
        throw new ReactorError(
          "too_many_requests",
          closing
            ? "Cannot follow logs: the server is stopping"
            : `Cannot follow logs: ${followersMax} followers are connected, the most there may be`,
          { details: { followers_max: followersMax }, retryAfterSecs: 1 },
        );
      }
      const follower = new AbortController();
      followers.add(follower);
      return follower;
    },
    closed(follower) {
      followers.delete(follower);
    },
    close() {
      closing = true;
      for (const follower of followers) follower.abort(new Error("The server is stopping"));
    },
    get size() {
      return followers.size;
    },
  };
}
