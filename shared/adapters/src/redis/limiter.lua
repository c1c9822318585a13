-- One request of a caller, by GCRA. KEYS[1]: when its whole quota will be free, in microseconds.
-- ARGV: the quota, and the time in microseconds in which it comes back. Answers whether the request passes, how many more
-- would, and milliseconds: until the whole quota is free, or for a refused one until it would pass.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local quota = tonumber(ARGV[1])
local share = math.max(math.floor(ARGV[2] / quota), 1)
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + share
local whole = quota * share
if free - now > whole then
  return {0, 0, math.ceil((free - now - whole) / 1000)}
end
local wait = math.ceil((free - now) / 1000)
-- As a whole number: a plain tostring would keep 14 digits only.
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', wait)
return {1, math.floor((whole - (free - now)) / share), wait}
