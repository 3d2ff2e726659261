import type { AliasTarget } from "./function.ts";
import type { Manifest } from "./manifest.ts";
import type { PolicyRule } from "./policy/policy-rule.ts";

/** Everything serving needs to run one deployment. */
export interface DeploymentPlan {
  readonly deploymentId: string;
  readonly revision: number;
  readonly manifest: Manifest;
  readonly artifactBlob: string;
  readonly shape: string;
}

/** What a function's instances receive; a new object (and version) after each change. */
export interface FunctionEnv {
  readonly version: number;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/** A policy as serving holds it: the same object as long as the policy is there. */
export interface PolicyPlan {
  readonly policyId: string;
  readonly name: string;
  readonly rule: PolicyRule;
}

export interface FunctionPlan {
  readonly functionId: string;
  readonly projectId: string;
  /** Name of the project. */
  readonly project: string;
  readonly name: string;
  readonly slug: string;
  readonly enabled: boolean;
  readonly aliases: ReadonlyMap<string, readonly AliasTarget[]>;
  /** Ready deployments by revision. */
  readonly deployments: ReadonlyMap<number, DeploymentPlan>;
  readonly env: FunctionEnv;
  /** All of them must hold; in order of name. */
  readonly policies: readonly PolicyPlan[];
}

export interface ApiKeyPlan {
  readonly keyId: string;
  readonly project: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number | undefined;
}

/** The immutable whole that control publishes and serving applies in one swap. */
export interface Plan {
  readonly version: number;
  /** Functions by `project:name`. */
  readonly functions: ReadonlyMap<string, FunctionPlan>;
  /** Functions by `project:slug`, for host routing. */
  readonly slugs: ReadonlyMap<string, FunctionPlan>;
  /** Live API keys by SHA-256 of the key, in hex. */
  readonly keys: ReadonlyMap<string, ApiKeyPlan>;
}

export const emptyPlan: Plan = {
  version: 0,
  functions: new Map(),
  slugs: new Map(),
  keys: new Map(),
};
