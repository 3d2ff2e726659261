-- POST of about 1 kB of JSON for wrk; an optional pause between requests of a connection, in ms.
local text = string.rep("reactor ", 120)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"nonce":"steady","text":"' .. text .. '"}'
local pause = tonumber(os.getenv("PAUSE_MS") or "")
if pause then
  function delay() return pause end
end
