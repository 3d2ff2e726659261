import { expect, test } from "bun:test";
import { createFakeServer } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

test("reactor secrets rotate-key says what moved, and where the former key is kept", async () => {
  const answer = {
    former_key_id: "0a",
    key_id: "0b",
    secrets: 3,
    former_key_file: "/data/data.key.0a",
  };
  const server = createFakeServer({
    "POST /api/v1/secrets/rotate-key": () => Response.json(answer),
  });
  const run = await runInTerminal(["secrets", "rotate-key"], { server });
  expect(run).toMatchObject({ code: 0, stdout: "Moved 3 secrets from data key 0a to 0b\n" });
  expect(run.stderr).toContain("/data/data.key.0a");
  const json = await runInTerminal(["secrets", "rotate-key", "--json"], { server });
  expect(JSON.parse(json.stdout)).toEqual(answer);
});
