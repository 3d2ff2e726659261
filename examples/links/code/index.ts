import type { FunctionContext } from "@reactor/functions";

const links: ReadonlyMap<string, string> = new Map([
  ["docs", "https://example.com/documentation"],
  ["status", "https://example.com/status"],
]);

/** Short links, as a default function of the request: `GET /fn/v1/links/docs` leads to the page. */
export default function redirect(request: Request, ctx: FunctionContext): Response {
  const name = new URL(request.url).pathname.split("/").at(-1) ?? "";
  const target = links.get(name);
  ctx.log("asked for", { name, known: target !== undefined });
  if (target === undefined) return Response.json({ error: "No such link" }, { status: 404 });
  return Response.redirect(target, 302);
}
