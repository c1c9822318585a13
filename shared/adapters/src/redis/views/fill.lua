-- Keeps the text of a version, unless something newer is known. KEYS[1]: as in fence.lua. ARGV: the version, the text,
-- for how long in milliseconds. The time begins with the first text of a version and is never prolonged.
local known = tonumber(redis.call('HGET', KEYS[1], 'v') or '0')
local version = tonumber(ARGV[1])
if known > version then return 0 end
if known == version and redis.call('HEXISTS', KEYS[1], 'b') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'v', version, 'b', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
