-- What a turn says, as a stream whose ids say how far it is told. Nothing is added where it doesn't
-- go on from what is there, so that it may be told again.
local stream, after = KEYS[1], ARGV[1]
local newest = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
local last = newest[1] and newest[1][1] or '0-0'
local followers = 0
if last == after then
  for at = 4, #ARGV, 3 do
    redis.call('XADD', stream, ARGV[at], ARGV[at + 1], ARGV[at + 2])
    last = ARGV[at]
  end
  redis.call('PEXPIRE', stream, ARGV[2])
  followers = redis.call('PUBLISH', ARGV[3], '')
end
return { last, followers }
