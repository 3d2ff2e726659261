import { networkInterfaces } from "node:os";
import { deniedAddress } from "../domain/egress.ts";

/** Addresses that this machine has now, as egress is told them. */
export const ownAddresses = {
  own: all,
  /**
   * The public ones, which must not lead back to the server or its neighbours. The others are on the
   * deny list of egress, which `egress.private_allow` may open.
   */
  denied: (): string[] => all().filter((address) => deniedAddress(address) === undefined),
};

function all(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).map(({ address }) => address),
  );
}
