import type { BlobStore } from "../blobs/blob-store.ts";
import { ReactorError } from "../domain/errors.ts";
import type { DeploymentRecord } from "../domain/function.ts";

/**
 * Reads the prepared bundle of a ready deployment and recomputes its digest, so that nothing is made
 * to serve that could not start: the deployment before it goes on. `conflict` when the bundle is
 * damaged or missing.
 */
export async function requireArtifact(
  blobs: BlobStore,
  deployment: DeploymentRecord,
  action: string,
): Promise<void> {
  const { id, revision, artifactBlob } = deployment;
  const refuse = (state: string, cause?: unknown): ReactorError =>
    new ReactorError(
      "conflict",
      `Cannot ${action} deployment "${id}" (revision ${revision}): its stored bundle is ${state}; deploy the same files again, or restore a backup`,
      {
        details: { deployment_id: id, revision, artifact: artifactBlob },
        ...(cause === undefined ? {} : { cause }),
      },
    );
  if (artifactBlob === undefined) throw refuse("missing");
  let bytes: Uint8Array | undefined;
  try {
    bytes = await blobs.get(artifactBlob);
  } catch (error) {
    if (error instanceof ReactorError && error.code === "bundle_invalid") {
      throw refuse("damaged", error);
    }
    throw error;
  }
  if (bytes === undefined) throw refuse("missing");
}
