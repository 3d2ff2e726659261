import { defineCommand } from "../../command.ts";

export const secretsRotateKey = defineCommand({
  name: "secrets rotate-key",
  summary: "Make a new data key and move every secret to it",
  description:
    "Functions run on meanwhile. A server that is killed in between completes it at its next start. " +
    "Backups that were taken before need the former key, which stays beside the new one.",
  arguments: {},
  options: {},
  examples: [
    { command: "reactor secrets rotate-key", summary: "Seal every secret under a new data key" },
  ],
  errors: [
    {
      code: "permission_denied",
      next: "use a key of all projects with the scope secrets:write, such as the admin key",
    },
  ],
  async run({ output, client, signal }) {
    const reactor = await client();
    const result = await reactor.rotateDataKey({ signal });
    const { former_key_id: former, former_key_file: file, secrets } = result;
    output.result(result, () => {
      const moved = secrets === 1 ? "1 secret" : `${secrets} secrets`;
      return `Moved ${moved} from data key ${former} to ${result.key_id}`;
    });
    output.note(
      `The former key is kept on the server as ${file}: move it to where your older backups are, or delete it when there are none`,
    );
    return undefined;
  },
});
