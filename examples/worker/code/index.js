let calls = 0;

/** A script as `POST /deploy` takes it too: not exported, and its memory stays between calls. */
function handler(data) {
  calls += 1;
  return { message: `Hello, ${data.name}`, calls };
}
