import { errorCatalogue } from "../src/domain/errors.ts";
import { tableCell } from "./table-cell.ts";

/** The reference page of the error codes. */
export function errorReference(): string {
  const rows = Object.entries(errorCatalogue).map(
    ([code, { status, summary }]) => `| \`${code}\` | ${status} | ${tableCell(summary)} |`,
  );
  return `# Error codes

Made by \`scripts/generate.ts\` from \`src/domain/errors.ts\`; do not edit.

Every failure, of the admin API and of an invocation alike, is one envelope:

\`\`\`json
{"error":{"code":"function_not_found","message":"…","status":404,"request_id":"req_…","details":{}}}
\`\`\`

The request id is also the header \`X-Request-Id\`; the server's log has the failure under it. The
typed client adds two codes of its own: \`unreachable\` when no answer came, and
\`unexpected_response\` when the answer is none that Reactor gives.

| code | status | meaning |
|---|---|---|
${rows.join("\n")}
`;
}
