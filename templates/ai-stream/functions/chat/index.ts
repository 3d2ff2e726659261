import type { FetchHandler } from "@reactor/functions";

/** Asks a model that speaks the chat completions API and passes its words on as they come. */
export default {
  async fetch(request, ctx) {
    const { prompt } = await request.json().catch(() => ({}));
    if (typeof prompt !== "string" || prompt === "") {
      return Response.json({ error: 'send {"prompt": "…"}' }, { status: 400 });
    }
    const answer = await fetch(ctx.env["AI_URL"] ?? "https://api.openai.com/v1/chat/completions", {
      method: "POST",
      headers: {
        authorization: `Bearer ${ctx.secrets.get("OPENAI_API_KEY")}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({
        model: ctx.env["AI_MODEL"] ?? "gpt-4o-mini",
        stream: true,
        messages: [{ role: "user", content: prompt }],
      }),
      // Nobody pays for words that nobody reads.
      signal: ctx.signal,
    });
    if (!answer.ok || answer.body === null) {
      ctx.log.error("the model answered", answer.status, await answer.text());
      return Response.json({ error: `the model answered ${answer.status}` }, { status: 502 });
    }
    const words = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(wordsOfEvents());
    return new Response(words.pipeThrough(new TextEncoderStream()), {
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
  },
} satisfies FetchHandler;

/** Server-sent events in, the text that they carry out. */
function wordsOfEvents(): TransformStream<string, string> {
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const word = wordOf(line);
        if (word !== "") controller.enqueue(word);
      }
    },
  });
}

function wordOf(line: string): string {
  if (!line.startsWith("data: ") || line.trim() === "data: [DONE]") return "";
  return JSON.parse(line.slice(6)).choices?.[0]?.delta?.content ?? "";
}
