import { draftProject } from "../../domain/draft-project.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { CommandTable } from "../command.ts";
import { prepareDraft } from "../prepare-draft.ts";

export const playgroundCommands: CommandTable<"playground.run"> = {
  "playground.run": {
    access: ({ project }) => ({ project, scopes: ["playground:write"] }),
    subject: ({ project }) => `${project}:playground`,
    async run(context, input) {
      const { drafts } = context;
      if (drafts === undefined) {
        throw new ReactorError(
          "unsupported_runtime",
          "Cannot run drafts: this server has no runner",
        );
      }
      const project = await context.project(input.project);
      const { digest, ...draft } = await prepareDraft(input, context.settings);
      const { call, signal, requestId } = input;
      return context.playground.run(signal, async (limited) => {
        const { runtime, isolation } = draft.manifest;
        const details = { runtime, isolation, files: draft.files.size, bundle_sha256: digest };
        // The row comes first: whatever the code does, it is known who ran it.
        await context.change(() => Promise.resolve({ output: undefined, details, touched: [] }));
        limited.throwIfAborted();
        const id = context.ids.next("drf");
        const projectId = draftProject(project.id);
        return drafts.run({ ...draft, id, projectId, requestId, call }, limited);
      });
    },
  },
};
