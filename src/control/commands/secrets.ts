import type { CommandTable } from "../command.ts";

export const secretCommands: CommandTable<"secrets.rotateKey"> = {
  "secrets.rotateKey": {
    // The key seals the secrets of every project.
    access: () => ({ project: "*", scopes: ["secrets:write"] }),
    subject: () => "*",
    async run(context) {
      const result = await context.keyRotation.rotate();
      const { formerKeyId, keyId, secrets } = result;
      return context.change(async () => ({
        output: result,
        details: { from: formerKeyId, to: keyId, secrets },
        touched: [],
      }));
    },
  },
};
