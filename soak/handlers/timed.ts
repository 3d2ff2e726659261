/** Answers after the milliseconds that the query says, or never; says which boot it was. */
const boot = crypto.randomUUID();

export default {
  async fetch(request: Request, ctx: { log(message: string): void }): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/never") return new Promise(() => undefined);
    const line = searchParams.get("line");
    if (line !== null) ctx.log(`line ${line}`);
    await new Promise((resolve) => setTimeout(resolve, Number(searchParams.get("ms"))));
    return Response.json({ boot });
  },
};
