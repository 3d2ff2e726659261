import { expect, test } from "bun:test";
import { createFakeServer, errorResponse } from "../../fake-server.ts";
import { runInTerminal } from "../../run-in-terminal.ts";

const refusing = (message: string) =>
  createFakeServer({
    "POST /api/v1/database/query": () => errorResponse(400, "invalid_request", message),
  });

test("a statement that may not change anything says which option lets it", async () => {
  const said = "cannot execute DELETE in a read-only transaction";
  const argv = ["db", "query", "delete from todos"];
  const { code, stderr } = await runInTerminal(argv, { server: refusing(said) });
  expect(code).toBe(1);
  expect(stderr).toStartWith(`A statement that changes something needs --write\nerror: ${said}`);
  const other = await runInTerminal(argv, { server: refusing("syntax error") });
  expect(other.stderr).toStartWith("error: syntax error");
});
