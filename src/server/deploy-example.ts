import path from "node:path";
import { collectFiles } from "../cli/collect-files.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import { bundleDigest } from "../domain/bundle-digest.ts";
import { systemCaller } from "../domain/caller.ts";
import { ReactorError } from "../domain/errors.ts";

/**
 * Deploys and promotes the function in a folder under the folder's name, through the same door as
 * everybody. Unchanged files are not deployed again. Resolves with the function's name.
 */
export async function deployExample(options: {
  readonly control: ControlPlane;
  readonly folder: string;
}): Promise<string> {
  const name = path.basename(options.folder);
  const { files } = await collectFiles(options.folder, new AbortController().signal);
  if (await isServed(options.control, name, files)) return name;
  const deployment = await options.control.execute(
    "deployments.create",
    {
      project: "default",
      function: name,
      upload: { kind: "files", files },
      bundleSha256: undefined,
      promote: true,
      createFunction: true,
    },
    systemCaller,
  );
  if (deployment.status !== "ready") {
    throw new ReactorError(
      "deployment_failed",
      `Cannot serve the example in ${options.folder}: ${deployment.failure?.message ?? deployment.status}`,
    );
  }
  return name;
}

/** Whether exactly these files are in production already; the digest leaves the manifest out. */
async function isServed(
  control: ControlPlane,
  name: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<boolean> {
  const reference = { project: "default", function: name };
  try {
    const { production } = await control.execute("functions.get", reference, systemCaller);
    if (production === undefined) return false;
    const deployment = await control.execute(
      "deployments.get",
      { ...reference, deployment: production.deploymentId },
      systemCaller,
    );
    return deployment.bundleSha256 === bundleDigest(files);
  } catch (error) {
    if (error instanceof ReactorError && error.code === "function_not_found") return false;
    throw error;
  }
}
