-- One request of a caller. KEYS[1]: the times of its last requests, in milliseconds, oldest first.
-- ARGV: the quota, the window in milliseconds. Answers whether it passes, how many more would, and how long to wait.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local most, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and oldest + window <= now do
  redis.call('LPOP', KEYS[1])
  oldest = redis.call('LINDEX', KEYS[1], 0)
end
local count = redis.call('LLEN', KEYS[1])
if count >= most then
  -- A quota may have become smaller: as many must pass out of the window as are too many, and one.
  local free = redis.call('LINDEX', KEYS[1], count - most)
  return {0, 0, math.max(free + window - now, 1)}
end
redis.call('RPUSH', KEYS[1], now)
redis.call('PEXPIRE', KEYS[1], window)
return {1, most - count - 1, window}
