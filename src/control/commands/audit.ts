import type { CommandTable } from "../command.ts";
import { parsePage } from "../parse-page.ts";

export const auditCommands: CommandTable<"audit.list"> = {
  "audit.list": {
    // Rows of all projects: only for keys of no single project.
    access: () => ({ project: "*", scopes: ["config:read"] }),
    run(context, input) {
      const page = parsePage(input, (cursor) => /^aud_[0-9a-z]{26}$/.test(cursor));
      return context.store.read((reader) => reader.listAudit(page));
    },
  },
};
