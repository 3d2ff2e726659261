import type { FollowerSet } from "./follower-set.ts";
import type { AdminLimits, AdminOptions } from "./options.ts";

/** What operations work with: the options, limits filled in, and what lives as long as the admin. */
export interface AdminServices extends Omit<AdminOptions, "limits"> {
  readonly limits: AdminLimits;
  readonly followers: FollowerSet;
  /** The OpenAPI document as JSON text. */
  readonly openApiText: () => string;
}
