-- Counts a call of a tenant unless its quota is used up.
-- KEYS[1]: the count. ARGV: the limit, and the window in milliseconds.
-- Returns whether it is counted, the count, and the milliseconds until the window is over.
local count = tonumber(redis.call('GET', KEYS[1])) or 0
local rest, window = redis.call('PTTL', KEYS[1]), tonumber(ARGV[2])
local counted = count < tonumber(ARGV[1])
if counted then
  count = redis.call('INCR', KEYS[1])
end
-- The window begins with the first call. One that was configured longer is cut short.
if rest < 0 or rest > window then
  redis.call('PEXPIRE', KEYS[1], window)
  rest = window
end
return {counted and 1 or 0, count, rest}
