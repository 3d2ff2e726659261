// Made by scripts/generate.ts from the admin API's schemas; do not edit.
export interface paths {
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List changes and who made them, newest first */
        get: operations["listAudit"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a backup of everything but logs
         * @description Answers with a tar archive: `backup.json`, its digest, a consistent copy of the store, every bundle that the copy names, and an archive of each project's database. Needs a key of all projects with the scope `backups:read`. The data key is left out, or wrapped for `wrap_for`: the passphrase itself never comes to the server. Until it begins, `102 Processing` comes every 50 seconds to HTTP/1.1; who leaves ends it. One backup at a time; another is refused with `conflict`. An archive that breaks off is no backup: check it as `reactor backup verify` does.
         */
        post: operations["createBackup"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/database/migrations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Migrations of the project's database that were applied */
        get: operations["listMigrations"];
        put?: never;
        /**
         * Apply the files of `schema/` that were not applied yet
         * @description In order, each in a transaction. The first that fails ends it; those before it stay applied. 409 `conflict` when a file that was applied has changed, or a new one belongs before one that was.
         */
        post: operations["migrateDatabase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/database/query": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run one statement in the project's database
         * @description Under the limits of functions' queries. Without `write` it runs in a transaction that cannot write, and the scope `database:read` is enough.
         */
        post: operations["queryDatabase"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/env": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a project's env variables and secrets; secrets without their values */
        get: operations["listProjectEnv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/env/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set an env variable or a secret of the whole project
         * @description Every function of the project sees it; one of its own by the same name goes first.
         */
        put: operations["setProjectEnv"];
        post?: never;
        /** Remove an env variable or a secret of the whole project */
        delete: operations["unsetProjectEnv"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List functions in order of name */
        get: operations["listFunctions"];
        put?: never;
        /** Create a function */
        post: operations["createFunction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a function */
        get: operations["getFunction"];
        /**
         * Enable or disable a function
         * @description The same as PATCH, for clients that send PUT.
         */
        put: operations["putFunction"];
        post?: never;
        /**
         * Delete a function
         * @description Soft: gone from lists and traffic; its name stays reserved and it can be restored.
         */
        delete: operations["deleteFunction"];
        options?: never;
        head?: never;
        /**
         * Enable or disable a function
         * @description Disabled answers 503.
         */
        patch: operations["updateFunction"];
        trace?: never;
    };
    "/api/v1/functions/{id}/aliases": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a function's aliases */
        get: operations["listAliases"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/aliases/{alias}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Point an alias at one or two weighted revisions */
        put: operations["setAlias"];
        post?: never;
        /** Remove an alias */
        delete: operations["deleteAlias"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/deployments": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a function's deployments, newest first */
        get: operations["listDeployments"];
        put?: never;
        /**
         * Upload a bundle as a new deployment
         * @description Answers when the deployment is `ready` or `failed`; a failed one is kept with its log. The server computes the bundle's digest itself and compares a claimed one with it.
         */
        post: operations["createDeployment"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/deployments/{deployment}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get a deployment */
        get: operations["getDeployment"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/env": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List env variables and secrets; secrets without their values */
        get: operations["listEnv"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/env/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Set an env variable or a secret
         * @description New invocations see it without a redeploy.
         */
        put: operations["setEnv"];
        post?: never;
        /** Remove an env variable or a secret */
        delete: operations["unsetEnv"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read or follow a function's log
         * @description As JSON the newest lines that match. As server-sent events the stored lines after `after`, then new ones as they come: `event: log`, `id:` the line's `seq`, `data:` a LogLine; comments keep the connection alive. A client that comes back with `Last-Event-ID` goes on after that line.
         */
        get: operations["readLogs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/policies": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a function's policies */
        get: operations["listPolicies"];
        put?: never;
        /**
         * Add a rule that must hold for every invocation
         * @description All policies of a function must hold; one that cannot be evaluated denies.
         */
        post: operations["createPolicy"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/policies/{policy}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at one policy */
        get: operations["getPolicy"];
        put?: never;
        post?: never;
        /** Remove a policy */
        delete: operations["deletePolicy"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/policies/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask what the policies would say about an invocation
         * @description Nothing is invoked. The rules are those in force, evaluated as for invocations.
         */
        post: operations["testPolicies"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/promote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Swap live traffic to a deployment
         * @description Without an id: the newest deployment.
         */
        post: operations["promote"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Bring a deleted function back */
        post: operations["restoreFunction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/retry-dead": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a function's dead invocations again, at most the newest 1000 */
        post: operations["retryDeadInvocations"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/rollback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Swap live traffic back
         * @description Without an id: the deployment promoted before the current one.
         */
        post: operations["rollback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/run-schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Queue now what a function's schedules would */
        post: operations["runSchedules"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/runtime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What a function's instances do now, and what egress denied them */
        get: operations["getFunctionRuntime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/functions/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sum what a function used
         * @description Also of a deleted function. The sums outlive the invocations' own records.
         */
        get: operations["getFunctionUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the server works */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the functions that are bound to provisioning hooks
         * @description Needs the scope `hooks:read`.
         */
        get: operations["listHooks"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/hooks/{point}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run every function that is bound to a provisioning hook
         * @description Needs the scope `hooks:write`, and no right on the functions. They run one after the other, each within its `timeout_ms`; whatever becomes of them the answer is 200 with every result. Which members the context must have depends on the point.
         */
        post: operations["runHooks"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invocations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the newest invocations, newest first
         * @description With `state`: queued invocations that are in it, page by page and without results; `dead` lists the dead letters. Without: every invocation of which there is a record, the newest only.
         */
        get: operations["listInvocations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invocations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an invocation
         * @description The `status_url` of a queued invocation leads here with its `token`, which takes the place of a key.
         */
        get: operations["getInvocation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invocations/{id}/request": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Show the request of a queued invocation that has not succeeded */
        get: operations["getInvocationRequest"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Give a failed or dead invocation another request body
         * @description It does not run before it is retried.
         */
        patch: operations["editInvocation"];
        trace?: never;
    };
    "/api/v1/invocations/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Run a failed or dead invocation again */
        post: operations["retryInvocation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List API keys, without the keys themselves */
        get: operations["listKeys"];
        put?: never;
        /**
         * Make an API key
         * @description `?project=*` makes one for every project.
         */
        post: operations["createKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an API key */
        delete: operations["revokeKey"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** This document */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/playground/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a draft once, without creating a function
         * @description Needs the scope `playground:write`. The draft runs in the sandbox and under the limits of a deployed function, with no other variables than those sent. Nothing of it is kept. What its code does wrong is `error` in the answer; what is wrong with the request is the usual error.
         */
        post: operations["runPlayground"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the projects of this server
         * @description Needs a key of all projects with `config:read`.
         */
        get: operations["listProjects"];
        put?: never;
        /**
         * Create a project
         * @description A project has functions, routes, secrets and keys of its own. Needs a key of all projects with `config:write`.
         */
        post: operations["createProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a project
         * @description Its functions with their deployments, aliases, policies, routes and queued invocations, its env, secrets, keys and database; its name is free again. Needs a key of all projects with `config:write`, and for `force` with `functions:*:admin`. `default` cannot be removed. It cannot be undone.
         */
        delete: operations["deleteProject"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/promotions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Swap live traffic of several functions at once
         * @description All of them in one step, or none: when one cannot be promoted, nothing moves.
         */
        post: operations["promoteAll"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the schedules in force and when they run next */
        get: operations["listSchedules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/secrets/rotate-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Make a new data key and move every secret to it
         * @description Needs a key of all projects with `secrets:write`. Functions run on meanwhile. The former key is kept beside the new one, for backups that need it.
         */
        post: operations["rotateDataKey"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Settings with their origin, and what the runtimes can do here
         * @description Needs the scope `config:read`.
         */
        get: operations["getSystem"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Sum what each function of the project used
         * @description In order of name, deleted functions too, as far as the key may read their logs.
         */
        get: operations["listUsage"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Alias: {
            function_id: string;
            name: string;
            targets: {
                deployment_id: string;
                revision: number;
                weight: number;
            }[];
            /** Format: date-time */
            updated_at: string;
        };
        ApiKey: {
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string | null;
            id: string;
            name: string;
            /** @description The key's first characters, to recognise it by. */
            prefix: string;
            /** @description Project the key belongs to, or `*`. */
            project_id: string;
            /** Format: date-time */
            revoked_at: string | null;
            scopes: string[];
        };
        AuditEntry: {
            actor: string;
            /** Format: date-time */
            at: string;
            command: string;
            details: {
                [key: string]: unknown;
            };
            id: string;
            /** @enum {string} */
            outcome: "ok" | "refused" | "failed";
            subject: string;
        };
        BackupRecipient: {
            /** @description scrypt cost: 32768, 65536, 131072 or 262144. */
            n: number;
            /** @description scrypt parallelisation: 1. */
            p: number;
            /** @description X25519 public key in base64url; its private half is scrypt of the passphrase. */
            public_key: string;
            /** @description scrypt block size: 8. */
            r: number;
            /** @description 16 bytes in base64url. */
            salt: string;
        };
        CreatedApiKey: {
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            expires_at: string | null;
            id: string;
            /** @description The credential itself: shown this once and stored only hashed. */
            key: string;
            name: string;
            /** @description The key's first characters, to recognise it by. */
            prefix: string;
            /** @description Project the key belongs to, or `*`. */
            project_id: string;
            /** Format: date-time */
            revoked_at: string | null;
            scopes: string[];
        };
        DeletedAlias: {
            alias: string;
        };
        DeletedFunction: {
            id: string;
            name: string;
        };
        DeletedPolicy: {
            name: string;
        };
        DeletedProject: {
            functions: number;
            id: string;
            name: string;
        };
        Deployment: {
            bundle_sha256: string;
            /** Format: date-time */
            created_at: string;
            /** @description Why it failed, with the build or start-up log. */
            failure: {
                code: string;
                log: string;
                message: string;
            } | null;
            function_id: string;
            id: string;
            manifest: components["schemas"]["Manifest"];
            /** Format: date-time */
            ready_at: string | null;
            revision: number;
            /** @description What `defineFunction` was given, as the code reported it; null: nothing known. */
            schemas: {
                /** @description A JSON Schema; null: not known. */
                input: boolean | {
                    [key: string]: unknown;
                } | null;
                /** @description A JSON Schema; null: not known. */
                output: boolean | {
                    [key: string]: unknown;
                } | null;
            } | null;
            /** @description Handler shape found when it was materialized. */
            shape: string | null;
            /** @enum {string} */
            status: "pending" | "materializing" | "ready" | "failed" | "destroyed";
            tier: components["schemas"]["Tier"];
        };
        EnvVariable: {
            key: string;
            secret: boolean;
            /** Format: date-time */
            updated_at: string;
            /** @description Always null for a secret. */
            value: string | null;
            /** @description Rises by one with each set. */
            version: number;
        };
        Error: {
            error: {
                /**
                 * @description What happened, from the catalogue.
                 * @enum {string}
                 */
                code: "invalid_request" | "bundle_invalid" | "manifest_invalid" | "unsupported_runtime" | "env_key_invalid" | "invalid_function_name" | "input_validation_error" | "auth_required" | "auth_unavailable" | "permission_denied" | "policy_denied" | "egress_denied" | "function_not_found" | "deployment_not_found" | "alias_not_found" | "not_found" | "route_not_found" | "method_not_allowed" | "function_exists" | "conflict" | "deployment_failed" | "payload_too_large" | "bundle_too_large" | "uri_too_long" | "unsupported_media_type" | "too_many_requests" | "budget_exceeded" | "headers_too_large" | "function_crashed" | "function_error" | "response_too_large" | "internal_error" | "runtime_error" | "function_disabled" | "deployment_not_ready" | "cold_start_failed" | "dependencies_unavailable" | "storage_unavailable" | "function_timeout" | "invocation_expired" | "storage_full";
                details: {
                    [key: string]: unknown;
                };
                /** @description What was tried, what stands in the way, what is needed. */
                message: string;
                request_id: string;
                /** @description The HTTP status again. */
                status: number;
            };
        };
        Function: {
            /** Format: date-time */
            created_at: string;
            /** Format: date-time */
            deleted_at: string | null;
            enabled: boolean;
            /** @description Rises with every change of env or secrets. */
            env_version: number;
            /** @description Events that the promoted deployment hears. */
            events: ("deployment.ready" | "deployment.failed" | "invocation.dead")[];
            /** @description Hooks that the promoted deployment is bound to. */
            hooks: ("pre-provision" | "post-provision" | "pre-backup" | "post-backup" | "pre-deprovision" | "post-deprovision")[];
            id: string;
            /** @enum {string} */
            isolation: "process" | "worker" | "microvm" | "wasm";
            /** @description Tier that the promoted deployment demands; null: none. */
            min_tier: number | null;
            name: string;
            /** @description Where `production` points; null before the first promote. */
            production: {
                deployment_id: string;
                revision: number;
            } | null;
            project: string;
            route: components["schemas"]["Route"];
            /** @enum {string} */
            runtime: "bun" | "node" | "deno" | "python" | "wasm" | "lambda";
            /** @description Handler shape of the promoted deployment. */
            shape: string | null;
            /** @description Label of the function's own host. */
            slug: string;
            tier: components["schemas"]["Tier"];
            /** Format: date-time */
            updated_at: string;
        };
        FunctionRuntime: {
            egress: {
                /** @description Connections that a rule of egress denied since the server started. */
                denied: number;
                /** @description The latest different ones, at most 32, the last first. */
                recent: {
                    count: number;
                    host: string;
                    /** Format: date-time */
                    last_at: string;
                    message: string;
                    /** @description Null when the name was only looked up. */
                    port: number | null;
                    /** @enum {string} */
                    reason: "not_allowed" | "private_address" | "own_address" | "invalid_destination" | "connections";
                }[];
            };
            function_id: string;
            instances: {
                deployment_id: string;
                /** @description Null until it has started. */
                id: string | null;
                revision: number;
                running: number;
                served: number;
                /** @enum {string} */
                state: "starting" | "ready" | "draining";
                /** @description Tier that it runs at; null until it has started. */
                tier: number | null;
            }[];
            /** @description The last start that failed, or the last instance that died by itself. */
            last_failure: {
                /** Format: date-time */
                at: string;
                deployment_id: string;
                message: string;
                reason: string;
            } | null;
            /** @description Tier that the promoted deployment demands; null: none. */
            min_tier: number | null;
            /** @description Invocations on instances now. */
            running: number;
            /**
             * @description `active`: it has instances.
             * @enum {string}
             */
            state: "idle" | "active" | "disabled";
            tier: components["schemas"]["Tier"];
            /** @description Invocations waiting for one now. */
            waiting: number;
        };
        FunctionUsage: {
            /**
             * Format: date-time
             * @description From then on every record that was written is counted; before, some may be missing.
             */
            complete_since: string;
            deleted: boolean;
            function: string;
            function_id: string;
            /** @description Invocations, of any function, since this server started of which no record could be written; they are in no sum. */
            records_dropped: number;
            /**
             * Format: date-time
             * @description The range that was summed: the one asked for, widened to whole hours, and to whole days (UTC) where it is older than the eight days for which hours are kept.
             */
            since: string;
            /** @description The hours or days (UTC) in which it was invoked, oldest first. */
            steps: {
                /**
                 * Format: date-time
                 * @description When it begins.
                 */
                at: string;
                bytes_in: number;
                bytes_out: number;
                cold_starts: number;
                /** @description That time, in seconds, multiplied by the memory of the instance, in 1024 MB. */
                gb_s: number;
                invocations: number;
                /** @description Time on an instance: without waiting and without a cold start. */
                run_ms: number;
                /** @description That time multiplied by the processors of the instance. */
                vcpu_ms: number;
            }[];
            total: components["schemas"]["UsageSums"];
            /** Format: date-time */
            until: string;
        };
        Health: {
            /** @description Enabled runtimes, and whether each works. */
            runtimes: {
                [key: string]: boolean;
            };
            /** @enum {string} */
            status: "ok" | "degraded" | "draining";
            version: string;
        };
        HookBinding: {
            /** @description A disabled function's result is a failure. */
            enabled: boolean;
            function: string;
            function_id: string;
            hook_order: number;
            /** @enum {string} */
            point: "pre-provision" | "post-provision" | "pre-backup" | "post-backup" | "pre-deprovision" | "post-deprovision";
        };
        HookContext: {
            /** @description post-backup. */
            backupId?: string;
            /** @description post-provision. Masked in logs. */
            credentials?: {
                host: string;
                password: string;
                port: number;
            };
            /** @description pre-provision and post-provision. */
            databaseType?: string;
            /** @description Always. */
            projectId: string;
            /** @description pre-provision and post-provision. */
            tier?: string;
        };
        HookRun: {
            /** @description The value of a JSON answer, or text; null for none. */
            body?: unknown;
            /** @description In place of `body` when it is no text. */
            body_base64?: string;
            duration_ms: number;
            error: {
                code: string;
                message: string;
            } | null;
            function: string;
            function_id: string;
            invocation_id: string;
            /** @description Null when it was refused before it ran. */
            revision: number | null;
            /**
             * @description Succeeded: a whole answer below status 400.
             * @enum {string}
             */
            state: "succeeded" | "failed";
            status: number | null;
            /** @description The answer had more than the 64 KiB that are shown. */
            truncated: boolean;
        };
        Invocation: {
            /** @description 1 for what was not queued; 0 before the first. */
            attempt: number;
            bytes_in: number;
            bytes_out: number;
            cold: boolean;
            /** @description Of the last attempt. */
            deployment_id: string | null;
            /** @description Waiting and a cold start included. */
            duration_ms: number | null;
            error_code: string | null;
            function_id: string;
            id: string;
            method: string | null;
            queued: components["schemas"]["QueuedInvocation"];
            request_id: string;
            revision: number | null;
            /** Format: date-time */
            started_at: string | null;
            /** @enum {string} */
            state: "queued" | "running" | "succeeded" | "failed" | "dead";
            status: number | null;
            /** @description Of the last attempt; zero when no instance got it, null where it was not measured. */
            usage: {
                /** @description That time, in seconds, multiplied by the memory of the instance, in 1024 MB. */
                gb_s: number;
                /** @description Time on an instance: without waiting and without a cold start. */
                run_ms: number;
                /** @description That time multiplied by the processors of the instance. */
                vcpu_ms: number;
            } | null;
        };
        InvocationRequest: {
            /** @description The value of a JSON body, or text; null for none. */
            body?: unknown;
            body_base64?: string;
            body_omitted_bytes?: number;
            /** @description Pairs of name and value. */
            headers: string[][];
            method: string;
            url: string;
        };
        InvocationResult: {
            /** @description The value of a JSON body, or text; null for none. */
            body?: unknown;
            /** @description In place of `body` when it is no text. */
            body_base64?: string;
            body_omitted_bytes?: number;
            /** @description Pairs of name and value. */
            headers: string[][];
            status: number;
            /** @description The body had more than is kept. */
            truncated: boolean;
        } | null;
        KeyRotation: {
            /** @description Where the former key is kept, on the server. */
            former_key_file: string;
            former_key_id: string;
            key_id: string;
            /** @description How many were moved. */
            secrets: number;
        };
        LogLine: {
            /** Format: date-time */
            at: string;
            deployment_id: string;
            function_id: string;
            invocation_id: string | null;
            /** @enum {string} */
            level: "debug" | "info" | "warn" | "error";
            message: string;
            request_id: string | null;
            /** @description Rises by one per function. */
            seq: number;
            /** @enum {string} */
            source: "log" | "stdout" | "stderr" | "platform";
        };
        LogLines: {
            items: components["schemas"]["LogLine"][];
        };
        /** @description As it is in force: every default filled in. */
        Manifest: {
            /**
             * @description null: the running mode decides per request.
             * @enum {string|null}
             */
            access: "key" | "jwt" | "public" | null;
            bundle_sha256: string | null;
            concurrency: {
                idle_ttl_ms: number;
                max_concurrency: number;
                max_instances: number;
                min_instances: number;
                per_instance: number;
                queue_ms: number;
            };
            /** @description null: the function answers preflights itself. */
            cors: {
                credentials: boolean;
                expose_headers: string[];
                headers: string[];
                max_age_secs: number;
                /** @description null: the route's, or all. */
                methods: string[] | null;
                origins: string[];
            } | null;
            /** @description null: the internet without private addresses. */
            egress_allow: string[] | null;
            entrypoint: string | null;
            /** @description null: every key of function and project. */
            env_keys: string[] | null;
            events: ("deployment.ready" | "deployment.failed" | "invocation.dead")[];
            forward_authorization: boolean;
            handler: string | null;
            /** @description null: it is bound to no hook. */
            hook_order: number | null;
            hooks: ("pre-provision" | "post-provision" | "pre-backup" | "post-backup" | "pre-deprovision" | "post-deprovision")[];
            /** @enum {string} */
            isolation: "process" | "worker" | "microvm" | "wasm";
            limits: {
                body_in_bytes_max: number;
                body_out_bytes_max: number;
                drain_timeout_ms: number;
                idle_timeout_ms: number;
                /** @description `written`: the author's own, so it is enforced; else a default. `enforced`: how this machine holds it. */
                memory_mb: {
                    /** @enum {string} */
                    enforced: "hard" | "watchdog" | "none";
                    value: number;
                    written: boolean;
                };
                stream_timeout_ms: number;
                timeout_ms: number;
                /** @description null: no quota. */
                vcpu: {
                    /** @enum {string} */
                    enforced: "hard" | "watchdog" | "none";
                    value: number;
                } | null;
                wait_until_ms: number;
            };
            /** @description Lowest tier that it may run at; null: none is demanded. */
            min_tier: number | null;
            name: string;
            rate_limit: {
                /** @enum {string} */
                by: "caller" | "address";
                period_secs: number;
                requests: number;
            } | null;
            route: components["schemas"]["Route"] & unknown;
            /** @enum {string} */
            runtime: "bun" | "node" | "deno" | "python" | "wasm" | "lambda";
            secret_keys: string[] | null;
        };
        Migration: {
            applied_at: string;
            /** @description SHA-256 of the file, in hex. */
            checksum: string;
            name: string;
        };
        MigrationOutcome: {
            /** @description Names, in the order in which they were applied. */
            applied: string[];
            /** @description How many had been applied before. */
            present: number;
        };
        PlaygroundOutcome: {
            /** @description Text when it is UTF-8. With an error: what came of it. */
            body: string | {
                /** @description Bytes. */
                base64: string;
            };
            /** @description From the request to the end of the answer. */
            duration_ms: number;
            /** @description What the code did wrong; null when it answered whole. */
            error: {
                /** @enum {string} */
                code: "invalid_request" | "bundle_invalid" | "manifest_invalid" | "unsupported_runtime" | "env_key_invalid" | "invalid_function_name" | "input_validation_error" | "auth_required" | "auth_unavailable" | "permission_denied" | "policy_denied" | "egress_denied" | "function_not_found" | "deployment_not_found" | "alias_not_found" | "not_found" | "route_not_found" | "method_not_allowed" | "function_exists" | "conflict" | "deployment_failed" | "payload_too_large" | "bundle_too_large" | "uri_too_long" | "unsupported_media_type" | "too_many_requests" | "budget_exceeded" | "headers_too_large" | "function_crashed" | "function_error" | "response_too_large" | "internal_error" | "runtime_error" | "function_disabled" | "deployment_not_ready" | "cold_start_failed" | "dependencies_unavailable" | "storage_unavailable" | "function_timeout" | "invocation_expired" | "storage_full";
                /** @description `log` of the build or start, `stack`, and the typed `exit`, as far as there are any. */
                details: {
                    [key: string]: unknown;
                };
                message: string;
                /** @description What a deployed function's caller would get. */
                status: number;
            } | null;
            headers: {
                name: string;
                value: string;
            }[];
            logs: {
                /** Format: date-time */
                at: string;
                /** @enum {string} */
                level: "debug" | "info" | "warn" | "error";
                message: string;
                /** @enum {string} */
                source: "log" | "stdout" | "stderr" | "platform";
            }[];
            /** @description Lines beyond 1000, or beyond 256 KiB. */
            logs_dropped: number;
            /** @description Bundling. */
            prepare_ms: number;
            /** @description Handler shape; null when it never became ready. */
            shape: string | null;
            /** @description Starting an instance, as on a cold start. */
            start_ms: number;
            /** @description Null when the code gave no answer. */
            status: number | null;
            usage: {
                /** @description That time, in seconds, multiplied by the memory of the instance, in 1024 MB. */
                gb_s: number;
                /** @description Time on an instance: without waiting and without a cold start. */
                run_ms: number;
                /** @description That time multiplied by the processors of the instance. */
                vcpu_ms: number;
            };
        };
        PlaygroundRun: {
            env?: {
                [key: string]: string;
            };
            /** @description Sent as JSON by POST; `{}` when absent. */
            event?: unknown;
            /** @description Files by path below the bundle's root, forward slashes. */
            files: {
                [key: string]: string | {
                    /** @description Bytes of the file. */
                    base64: string;
                };
            };
            /** @enum {string} */
            isolation?: "process" | "worker" | "microvm" | "wasm";
            /** @description A whole request, in place of `event`. */
            request?: {
                body?: string | {
                    /** @description Bytes. */
                    base64: string;
                };
                headers?: {
                    [key: string]: string;
                };
                /** @description `POST` with a body, else `GET`, when absent. */
                method?: string;
                /** @description Path and query; `/` when absent. */
                path?: string;
            };
            /**
             * @description The manifest's, else `bun`, when absent.
             * @enum {string}
             */
            runtime?: "bun" | "node" | "deno" | "python" | "wasm" | "lambda" | "javascript" | "typescript";
            secrets?: {
                [key: string]: string;
            };
        };
        Policy: {
            /** Format: date-time */
            created_at: string;
            function_id: string;
            id: string;
            name: string;
            rule: components["schemas"]["PolicyRule"];
        };
        PolicyRule: {
            /** @enum {string} */
            kind: "method";
            /** @description E.g. `GET`, `POST`; GET does not include HEAD. */
            methods: string[];
        } | {
            /** @enum {string} */
            kind: "path";
            /** @enum {string} */
            match: "exact" | "prefix" | "glob";
            /** @description Below the function, decoded. In a glob `*` and `?` stay within a segment, `**` does not. */
            paths: string[];
        } | {
            /** @description Every day when absent. */
            days?: ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
            /** @description `HH:MM-HH:MM`, also across midnight; all day when absent. */
            hours?: string[];
            /** @enum {string} */
            kind: "time_window";
            /** @description IANA name, e.g. `Europe/Berlin`. */
            timezone: string;
        } | {
            /** @description Over `request`, `caller`, `function`, `deployment` and `now`; its result is true or false. */
            expression: string;
            /** @enum {string} */
            kind: "cel";
        };
        PolicyTrial: {
            admitted: boolean;
            /** Format: date-time */
            at: string;
            /** @description What may answer; every policy must hold for each of them. */
            deployments: {
                id: string;
                revision: number;
                runtime: string;
            }[];
            policies: {
                because: string;
                /** @description It could not be evaluated, which denies. */
                error: boolean;
                holds: boolean;
                name: string;
            }[];
        };
        Project: {
            /** Format: date-time */
            created_at: string;
            id: string;
            name: string;
        };
        ProjectUsage: {
            /**
             * Format: date-time
             * @description From then on every record that was written is counted; before, some may be missing.
             */
            complete_since: string;
            items: {
                bytes_in: number;
                bytes_out: number;
                cold_starts: number;
                deleted: boolean;
                function: string;
                function_id: string;
                /** @description That time, in seconds, multiplied by the memory of the instance, in 1024 MB. */
                gb_s: number;
                invocations: number;
                /** @description Time on an instance: without waiting and without a cold start. */
                run_ms: number;
                /** @description That time multiplied by the processors of the instance. */
                vcpu_ms: number;
            }[];
            /** @description Pass as `cursor` for the next page; null on the last. */
            next_cursor: string | null;
            /** @description Invocations, of any function, since this server started of which no record could be written; they are in no sum. */
            records_dropped: number;
            /**
             * Format: date-time
             * @description The range that was summed: the one asked for, widened to whole hours, and to whole days (UTC) where it is older than the eight days for which hours are kept.
             */
            since: string;
            /** Format: date-time */
            until: string;
        };
        QueryResult: {
            /** @description Columns whose cells are bytes in base64; all others are JSON values. */
            bytes_columns: string[];
            columns: string[];
            /** @description Rows that were returned or changed. */
            count: number;
            /** @description Cells in the order of `columns`. */
            rows: unknown[][];
        };
        /** @description Null for what was not queued. */
        QueuedInvocation: {
            /** Format: date-time */
            accepted_at: string;
            /**
             * Format: date-time
             * @description When it runs (again), while it is queued.
             */
            due_at: string | null;
            error: {
                code: string;
                message: string;
            } | null;
            /**
             * Format: date-time
             * @description It does not begin after this.
             */
            expires_at: string;
            /** Format: date-time */
            finished_at: string | null;
            ordering_key: string | null;
            /** @enum {string} */
            origin: "request" | "schedule" | "destination" | "event";
            result: components["schemas"]["InvocationResult"];
            /** @description The alias or revision it was accepted for. */
            selector: string;
            /** @description Attempts that count against `max_attempts`. */
            tries: number;
        } | null;
        RevokedKey: {
            id: string;
        };
        /** @description Where it answers at the server's root. */
        Route: {
            /** @enum {string} */
            method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "ANY";
            path: string;
        } | null;
        Schedule: {
            /** @enum {string} */
            catch_up: "skip" | "once" | "all";
            cron: string;
            /** @description Whether its function is; a disabled one has no next runs. */
            enabled: boolean;
            function: string;
            function_id: string;
            next_runs: string[];
            payload?: unknown;
            timezone: string;
        };
        System: {
            /** @enum {string} */
            mode: "serve" | "dev";
            runtimes: {
                available: boolean;
                enforces: {
                    /** @enum {string} */
                    cpu: "hard" | "watchdog" | "none";
                    /** @enum {string} */
                    filesystem: "hard" | "watchdog" | "none";
                    /** @enum {string} */
                    memory: "hard" | "watchdog" | "none";
                    /** @enum {string} */
                    network: "hard" | "watchdog" | "none";
                    /** @enum {string} */
                    processes: "hard" | "watchdog" | "none";
                    /** @enum {string} */
                    wall_clock: "hard" | "watchdog" | "none";
                };
                findings: string[];
                name: string;
                remedies: string[];
                /** @description Isolation: 0 process, 1 sandbox, 2 hardened, 3 microVM. */
                tier: number;
                /** @enum {string} */
                tier_name: "process" | "sandbox" | "hardened" | "microvm";
                version: string | null;
            }[];
            settings: {
                key: string;
                /** @description Where the value came from. */
                origin: string;
                value?: unknown;
            }[];
            version: string;
        };
        /** @description What isolates its instances on this server; null where they cannot run. */
        Tier: {
            level: number;
            /** @enum {string} */
            name: "process" | "sandbox" | "hardened" | "microvm";
        } | null;
        UnsetEnv: {
            key: string;
        };
        UploadedFiles: {
            /** @description Files by path below the bundle's root, forward slashes. */
            files: {
                [key: string]: string | {
                    /** @description Bytes of the file. */
                    base64: string;
                };
            };
        };
        UsageSums: {
            bytes_in: number;
            bytes_out: number;
            cold_starts: number;
            /** @description That time, in seconds, multiplied by the memory of the instance, in 1024 MB. */
            gb_s: number;
            invocations: number;
            /** @description Time on an instance: without waiting and without a cold start. */
            run_ms: number;
            /** @description That time multiplied by the processors of the instance. */
            vcpu_ms: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    listAudit: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Items in one answer; 100 when absent. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["AuditEntry"][];
                        /** @description Pass as `cursor` for the next page; null on the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createBackup: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description false leaves the functions' databases out; they are in where Reactor runs them. */
                    databases?: boolean;
                    wrap_for?: components["schemas"]["BackupRecipient"];
                };
            };
        };
        responses: {
            /** @description The archive; `X-Reactor-Backup` is its id. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-tar": string;
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listMigrations: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Migration"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    migrateDatabase: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Every file of the folder, those that were applied before as well. */
                    files: {
                        name: string;
                        sql: string;
                    }[];
                };
            };
        };
        responses: {
            /** @description What was done. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MigrationOutcome"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    queryDatabase: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    params?: unknown[];
                    /** @description One statement, its values as `$1`, `$2`, … */
                    sql: string;
                    /** @description Whether it may change anything; needs `database:write`. */
                    write?: boolean;
                };
            };
        };
        responses: {
            /** @description What it gave. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["QueryResult"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listProjectEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["EnvVariable"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setProjectEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `^[A-Z][A-Z0-9_]{0,127}$`. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description false when absent. */
                    secret?: boolean;
                    value: string;
                };
            };
        };
        responses: {
            /** @description The variable; a secret without its value. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnvVariable"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    unsetProjectEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `^[A-Z][A-Z0-9_]{0,127}$`. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was removed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnsetEnv"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listFunctions: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Items in one answer; 100 when absent. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Function"][];
                        /** @description Pass as `cursor` for the next page; null on the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @enum {string} */
                    isolation?: "process" | "worker" | "microvm" | "wasm";
                    /** @description `^[a-z][a-z0-9_-]{0,62}$`, unique in the project. */
                    name: string;
                    /**
                     * @description `bun` when absent; `javascript` and `typescript` mean `bun`.
                     * @enum {string}
                     */
                    runtime?: "bun" | "node" | "deno" | "python" | "wasm" | "lambda" | "javascript" | "typescript";
                };
            };
        };
        responses: {
            /** @description The function. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Function"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The function. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Function"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    putFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    enabled: boolean;
                };
            };
        };
        responses: {
            /** @description The function. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Function"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was deleted. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedFunction"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    updateFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    enabled: boolean;
                };
            };
        };
        responses: {
            /** @description The function. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Function"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listAliases: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Alias"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setAlias: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `^[a-z][a-z0-9]{0,15}$`. */
                alias: string;
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    targets: {
                        revision: number;
                        weight: number;
                    }[];
                };
            };
        };
        responses: {
            /** @description The alias. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alias"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteAlias: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `^[a-z][a-z0-9]{0,15}$`. */
                alias: string;
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was removed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedAlias"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listDeployments: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Items in one answer; 100 when absent. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Deployment"][];
                        /** @description Pass as `cursor` for the next page; null on the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createDeployment: {
        parameters: {
            query?: {
                /** @description `true`: create the function when it does not exist. */
                create?: "true" | "false";
                /** @description `project`: the bundle is a folder of a project's `functions`; its default route is `/<name>`. */
                layout?: "project";
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                /** @description `true`: promote the deployment when it is ready. */
                promote?: "true" | "false";
            };
            header?: {
                /** @description The client's own digest of the files; a mismatch is `bundle_invalid`. */
                "X-Reactor-Bundle-Sha256"?: string;
            };
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/gzip": string;
                "application/json": components["schemas"]["UploadedFiles"];
                "application/octet-stream": string;
                "application/x-gzip": string;
                "application/x-tar": string;
                "application/zip": string;
            };
        };
        responses: {
            /** @description The deployment, `ready` or `failed`. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getDeployment: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description Its id or its revision number. */
                deployment: string;
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The deployment. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["EnvVariable"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    setEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
                /** @description `^[A-Z][A-Z0-9_]{0,127}$`. */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description false when absent. */
                    secret?: boolean;
                    value: string;
                };
            };
        };
        responses: {
            /** @description The variable; a secret without its value. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["EnvVariable"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    unsetEnv: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
                /** @description `^[A-Z][A-Z0-9_]{0,127}$`. */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was removed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["UnsetEnv"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    readLogs: {
        parameters: {
            query?: {
                /** @description Only lines after this `seq`. */
                after?: number | null;
                /** @description `true`: server-sent events, as with `Accept: text/event-stream`. */
                follow?: "true" | "false";
                /** @description Only these levels, with commas between them. */
                level?: string;
                /** @description The newest lines that match, oldest first; 100 when absent. Not with `follow`. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                request_id?: string;
                /** @description Only lines from this time on. */
                since?: string;
            };
            header?: {
                /** @description `seq` to go on after. */
                "Last-Event-ID"?: string;
            };
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The lines, oldest first. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogLines"];
                    "text/event-stream": string;
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listPolicies: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them, in the order in which they are asked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Policy"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createPolicy: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    rule: components["schemas"]["PolicyRule"];
                };
            };
        };
        responses: {
            /** @description The policy; it is in force. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Policy"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getPolicy: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
                /** @description The policy's name. */
                policy: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The policy. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Policy"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deletePolicy: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
                /** @description The policy's name. */
                policy: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was removed. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedPolicy"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    testPolicies: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Alias or revision; `production` when absent. */
                    alias?: string;
                    /**
                     * Format: date-time
                     * @description Now when absent.
                     */
                    at?: string;
                    /** @description Nobody when absent. */
                    caller?: {
                        claims?: {
                            [key: string]: unknown;
                        };
                        id?: string;
                        /** @enum {string} */
                        kind: "key" | "jwt" | "anonymous";
                        name?: string;
                    };
                    headers?: {
                        name: string;
                        value: string;
                    }[];
                    host?: string;
                    /** @description Address of the client; `127.0.0.1` when absent. */
                    ip?: string;
                    /** @description `GET` when absent. */
                    method?: string;
                    /** @description Path and query below the function; `/` when absent. */
                    path?: string;
                    /** @description Only this one; all of them when absent. */
                    policy?: string;
                    /** @enum {string} */
                    scheme?: "http" | "https";
                };
            };
        };
        responses: {
            /** @description What each policy says, in order; the first that does not hold decides. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PolicyTrial"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    promote: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Id or revision number. */
                    deployment_id?: string | number;
                    /** @description The same by its other name; send one. */
                    to_deployment_id?: string | number;
                };
            };
        };
        responses: {
            /** @description The deployment that `production` points to now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    restoreFunction: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The function. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Function"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    retryDeadInvocations: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description Name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many were queued. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        retried: number;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    rollback: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Id or revision number. */
                    deployment_id?: string | number;
                    /** @description The same by its other name; send one. */
                    to_deployment_id?: string | number;
                };
            };
        };
        responses: {
            /** @description The deployment that `production` points to now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Deployment"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    runSchedules: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description Name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": {
                    /** @description Only the n-th schedule, from 0. */
                    index?: number;
                };
            };
        };
        responses: {
            /** @description The queued invocations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Invocation"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getFunctionRuntime: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it is now. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FunctionRuntime"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getFunctionUsage: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                /** @description Invocations that came in from then on. When absent 30 days before `until`, or one day with `step=hour`. */
                since?: string;
                /** @description `day` when absent. */
                step?: "hour" | "day";
                /** @description And before then; now when absent. */
                until?: string;
            };
            header?: never;
            path: {
                /** @description The function's name or id. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sums, whole and by step. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FunctionUsage"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Health. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listHooks: {
        parameters: {
            query?: {
                /** @description Only of this point. */
                point?: "pre-provision" | "post-provision" | "pre-backup" | "post-backup" | "pre-deprovision" | "post-deprovision";
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the promoted manifests bind, in the order in which it runs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["HookBinding"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    runHooks: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description One of pre-provision, post-provision, pre-backup, post-backup, pre-deprovision, post-deprovision. */
                point: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["HookContext"];
            };
        };
        responses: {
            /** @description Every result, in the order in which the functions ran. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        /** @enum {string} */
                        point: "pre-provision" | "post-provision" | "pre-backup" | "post-backup" | "pre-deprovision" | "post-deprovision";
                        results: components["schemas"]["HookRun"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listInvocations: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only of this function, by name or id. */
                function?: string;
                /** @description 100 when absent. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                /** @description Not together with `state`. */
                request_id?: string;
                state?: "queued" | "running" | "succeeded" | "failed" | "dead";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invocations. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Invocation"][];
                        /** @description Pass as `cursor` for the next page; null on the last. */
                        next_cursor: string | null;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getInvocation: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                /** @description As in `status_url`. */
                token?: string;
            };
            header?: never;
            path: {
                /** @description `inv_…`. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invocation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invocation"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getInvocationRequest: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `inv_…`. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The request. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["InvocationRequest"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    editInvocation: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `inv_…`. */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description Any JSON value. */
                    json?: unknown;
                } | {
                    text: string;
                } | {
                    base64: string;
                };
            };
        };
        responses: {
            /** @description The invocation. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invocation"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    retryInvocation: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description `inv_…`. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The invocation, queued. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Invocation"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listKeys: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["ApiKey"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createKey: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** Format: date-time */
                    expires_at?: string;
                    name: string;
                    /** @description E.g. `functions:hello:invoke` or `functions:*:*`. */
                    scopes: string[];
                };
            };
        };
        responses: {
            /** @description The key. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CreatedApiKey"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    revokeKey: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The key's id, not the key. */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was revoked. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RevokedKey"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    runPlayground: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PlaygroundRun"];
            };
        };
        responses: {
            /** @description What became of it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PlaygroundOutcome"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listProjects: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them, in order of name. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Project"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    createProject: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description `^[a-z][a-z0-9-]{0,30}$`. */
                    name: string;
                };
            };
        };
        responses: {
            /** @description The project. */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    deleteProject: {
        parameters: {
            query?: {
                /** @description Also while it has functions. */
                force?: "true" | "false";
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path: {
                /** @description The project's name. */
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was removed, and how many functions with it. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeletedProject"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    promoteAll: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    promotions: {
                        /** @description Id or revision number. */
                        deployment_id: string;
                        /** @description Name or id. */
                        function: string;
                    }[];
                };
            };
        };
        responses: {
            /** @description What each `production` points to now, in the order asked for. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Deployment"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listSchedules: {
        parameters: {
            query?: {
                /** @description Only of this function, by name or id. */
                function?: string;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The schedules of the promoted deployments. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        items: components["schemas"]["Schedule"][];
                    };
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    rotateDataKey: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was done; it is complete. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KeyRotation"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    getSystem: {
        parameters: {
            query?: {
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The system. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["System"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
    listUsage: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Items in one answer; 100 when absent. */
                limit?: number;
                /** @description Project; the header `X-Reactor-Project` says the same; `default` when absent. */
                project?: string;
                /** @description Invocations that came in from then on. When absent 30 days before `until`, or one day with `step=hour`. */
                since?: string;
                /** @description And before then; now when absent. */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectUsage"];
                };
            };
            /** @description The error envelope; `error.code` is one of the catalogue. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Error"];
                };
            };
        };
    };
}
