-- From now on nothing below a version is given or kept. KEYS[1]: the newest summary of a conversation, a hash of its
-- version `v` and its text `b`. ARGV: the version, for how long in milliseconds.
local known = tonumber(redis.call('HGET', KEYS[1], 'v') or '0')
local version = tonumber(ARGV[1])
if known > version then version = known end
if known < version then redis.call('HDEL', KEYS[1], 'b') end
redis.call('HSET', KEYS[1], 'v', version)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
