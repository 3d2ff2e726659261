import { networkInterfaces } from "node:os";
import { deniedAddress } from "../domain/egress.ts";

/**
 * Public addresses that this machine has now, which must not lead back to the server or its neighbours. The
 * others are on the deny list of egress, which `egress.private_allow` may open.
 */
export function ownPublicAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((all) => (all ?? []).map(({ address }) => address))
    .filter((address) => deniedAddress(address) === undefined);
}
