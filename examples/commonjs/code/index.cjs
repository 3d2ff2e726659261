const { createHash } = require("node:crypto");

/** Hashes the text of the event, in the manner of a CommonJS function for Node. */
exports.handler = async (event, context) => {
  if (typeof event.text !== "string") {
    return { statusCode: 400, body: JSON.stringify({ error: "text is missing" }) };
  }
  context.log("hashing", { characters: event.text.length });
  return { sha256: createHash("sha256").update(event.text).digest("hex") };
};
