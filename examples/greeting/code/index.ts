import { defineFunction } from "@reactor/functions";

export default defineFunction({
  name: "greeting",
  description: "Greets somebody by name, as often as asked for.",
  input: {
    type: "object",
    properties: {
      name: { type: "string", minLength: 1, maxLength: 100 },
      times: { type: "integer", minimum: 1, maximum: 10 },
    },
    required: ["name"],
    additionalProperties: false,
  },
  output: { type: "object", properties: { greetings: { type: "array" } }, required: ["greetings"] },
  handler({ input }) {
    const { name, times = 1 } = input as { name: string; times?: number };
    return { greetings: Array.from({ length: times }, () => `Hello, ${name}!`) };
  },
});
