// The same echo for Google's functions-framework.
let served = 0;
exports.echo = (request, response) => {
  if (request.method === "GET") {
    response.json({ served });
    return;
  }
  served += 1;
  response.json(request.body);
};
