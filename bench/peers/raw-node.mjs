// Raw node:http answering the same echo. argv: port.
import { createServer } from "node:http";

let served = 0;
const server = createServer((request, response) => {
  const answer = (value) => {
    const body = JSON.stringify(value);
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    });
    response.end(body);
  };
  if (request.method === "GET") {
    answer({ served });
    return;
  }
  served += 1;
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => answer(JSON.parse(Buffer.concat(chunks).toString())));
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("ready"));
