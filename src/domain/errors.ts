interface ErrorEntry {
  /** HTTP status of the envelope. */
  readonly status: number;
  /** What happened and what helps, for the reference page. */
  readonly summary: string;
}

/** Every error code a client may see. The reference page and the tests come from this table. */
export const errorCatalogue = {
  invalid_request: { status: 400, summary: "The request is malformed; `details` says where." },
  bundle_invalid: { status: 400, summary: "The uploaded archive or its files are not acceptable." },
  manifest_invalid: {
    status: 400,
    summary: "The manifest breaks a rule; `details.pointer` names the key.",
  },
  unsupported_runtime: {
    status: 400,
    summary: "The runtime or isolation is not available here; the message names the remedy.",
  },
  env_key_invalid: {
    status: 400,
    summary: "An env or secret key is malformed, or declared but not set.",
  },
  invalid_function_name: {
    status: 400,
    summary: "The name breaks `^[a-z][a-z0-9_-]{0,62}$` or is reserved.",
  },
  input_validation_error: {
    status: 400,
    summary: "The input breaks the function's schema; `details.violations` lists how.",
  },
  auth_required: { status: 401, summary: "No credential, or an unknown one, was sent." },
  auth_unavailable: {
    status: 503,
    summary:
      "The keys that tokens are checked with cannot be fetched now; retry after `Retry-After`.",
  },
  permission_denied: {
    status: 403,
    summary: "The credential lacks the scope that `details.scope` names.",
  },
  policy_denied: { status: 403, summary: "A policy does not hold; `details.policy` names it." },
  egress_denied: { status: 403, summary: "The destination is not reachable from functions." },
  function_not_found: { status: 404, summary: "No function has this name here." },
  deployment_not_found: {
    status: 404,
    summary: "The function has no such deployment or revision.",
  },
  alias_not_found: { status: 404, summary: "The function has no such alias." },
  not_found: {
    status: 404,
    summary: "No such project, key, variable or invocation; the message names it.",
  },
  route_not_found: { status: 404, summary: "Nothing is served at this path." },
  method_not_allowed: { status: 405, summary: "The resource exists but not for this method." },
  function_exists: { status: 409, summary: "The name or its host label is taken." },
  conflict: { status: 409, summary: "The state of the resource does not allow the change." },
  deployment_failed: {
    status: 409,
    summary: "The deployment failed and cannot be promoted; its log says why.",
  },
  payload_too_large: { status: 413, summary: "The request body is over the limit." },
  bundle_too_large: { status: 413, summary: "The bundle is over the limit, packed or unpacked." },
  uri_too_long: { status: 414, summary: "The request target is too long." },
  unsupported_media_type: { status: 415, summary: "The content type is not accepted here." },
  too_many_requests: {
    status: 429,
    summary: "A concurrency or rate limit is reached; retry after `Retry-After`.",
  },
  budget_exceeded: { status: 429, summary: "The function's budget is used up." },
  headers_too_large: { status: 431, summary: "The request's headers are too large." },
  function_crashed: {
    status: 500,
    summary: "The instance died while it served; `details.exit` is the typed reason.",
  },
  function_error: { status: 500, summary: "The handler threw." },
  response_too_large: { status: 500, summary: "The response is over the function's limit." },
  internal_error: {
    status: 500,
    summary: "A bug in Reactor; the server's log has it under the request id.",
  },
  runtime_error: { status: 502, summary: "The runtime or the platform failed the function." },
  function_disabled: { status: 503, summary: "The function is disabled." },
  deployment_not_ready: {
    status: 503,
    summary:
      "No deployment is promoted, it is still materializing, or it demands a tier above the machine's.",
  },
  cold_start_failed: {
    status: 503,
    summary: "No instance could be started; `details` has the start-up log.",
  },
  dependencies_unavailable: {
    status: 503,
    summary: "A registry did not give a package that the function's lockfile names; deploy again.",
  },
  storage_unavailable: { status: 503, summary: "The store cannot answer now." },
  function_timeout: { status: 504, summary: "The handler did not answer within its `timeout_ms`." },
  invocation_expired: {
    status: 504,
    summary: "A queued invocation was older than its `max_age_secs` before it could run.",
  },
  storage_full: { status: 507, summary: "The disk under the data folder is full." },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * A failure with a catalogue code. The message follows: action, state, what is needed, e.g.
 * `Cannot promote deployment "dep_01": state is "failed", must be "ready"`.
 */
export class ReactorError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** Seconds for the Retry-After header, when a retry helps. */
  readonly retryAfterSecs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { details?: ErrorDetails; cause?: unknown; retryAfterSecs?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ReactorError";
    this.code = code;
    this.details = options.details ?? {};
    this.retryAfterSecs = options.retryAfterSecs;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }
}

/** The one error body of every HTTP answer. */
export interface ErrorEnvelope {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly status: number;
    readonly request_id: string;
    readonly details: ErrorDetails;
  };
}

/** The envelope of a failure. */
export function errorEnvelope(error: ReactorError, requestId: string): ErrorEnvelope {
  return {
    error: {
      code: error.code,
      message: error.message,
      status: error.status,
      request_id: requestId,
      details: error.details,
    },
  };
}
