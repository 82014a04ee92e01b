-- Accounts of what is used in windows of time, a hash each: what was taken by slot or period. All
-- of a call is one step, and time is the server's, so that no two instances can differ in it.
local SLOTS, DAY = 64, 86400000
-- How long a change is known: a reservation is told again at once, a settlement for up to 12 minutes
-- (`TRIES` in limits.rs), and would be made twice if it were forgotten before that.
local ONCE, SETTLED = 60000, 900000
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- Years begin in March, so that the leap day is the last. Months count from January of year 0.
local function month_of(day)
  local z = day + 719468
  local era = math.floor(z / 146097)
  local of_era = z - era * 146097
  local year = math.floor((of_era - math.floor(of_era / 1460) + math.floor(of_era / 36524)
    - math.floor(of_era / 146096)) / 365)
  local of_year = of_era - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  local from_march = math.floor((5 * of_year + 2) / 153)
  local month = from_march < 10 and from_march + 3 or from_march - 9
  if month <= 2 then year = year + 1 end
  return (year + era * 400) * 12 + month - 1
end

local function first_day(month)
  local year, of_year = math.floor(month / 12), month % 12
  if of_year < 2 then
    year, of_year = year - 1, of_year + 10
  else
    of_year = of_year - 2
  end
  local days = year * 365 + math.floor(year / 4) - math.floor(year / 100) + math.floor(year / 400)
  return days + math.floor((153 * of_year + 2) / 5) - 719468
end

local function window(text)
  local kind, length = string.sub(text, 1, 1), tonumber(string.sub(text, 2)) or 0
  local slot = math.max(math.floor(length / SLOTS), 1)
  if kind == 'r' then
    return math.floor(now / slot), function(n) return (n + 1) * slot + length end
  elseif kind == 'd' then
    return math.floor(now / DAY), function(n) return (n + 1) * DAY end
  elseif kind == 'm' then
    return month_of(math.floor(now / DAY)), function(n) return first_day(n + 1) * DAY end
  end
  return 0, function() return nil end
end

local function whole(number) return string.format('%.0f', number) end

local function open(key, ends)
  local account = { used = 0, held = 0, held_until = 0, slots = {} }
  local fields = redis.call('HGETALL', key)
  for at = 1, #fields, 2 do
    local name, value = fields[at], tonumber(fields[at + 1])
    local number = tonumber(name)
    if name == 'held' then
      account.held = value
    elseif name == 'until' then
      account.held_until = value
    elseif number then
      local last = ends(number)
      if last and last <= now then
        redis.call('HDEL', key, name)
      else
        account.used = account.used + value
        account.slots[#account.slots + 1] = { number, value }
      end
    end
  end
  if account.held_until <= now then account.held = 0 end
  table.sort(account.slots, function(one, other) return one[1] < other[1] end)
  return account
end

-- Whether there is room, or else when there will be; -1 is never.
local function room(account, ends, limit, amount)
  local used, held = account.used, account.held
  if amount == 0 or used + held + amount <= limit then return nil end
  for _, slot in ipairs(account.slots) do
    local last = ends(slot[1])
    if not last then break end
    if held > 0 and account.held_until <= last then
      held = 0
      if used + amount <= limit then return account.held_until - now end
    end
    used = used - slot[2]
    if used + held + amount <= limit then return last - now end
  end
  if held > 0 and used + amount <= limit then return account.held_until - now end
  return -1
end

local function keep(key, last)
  local left = redis.call('PTTL', key)
  if left < 0 or now + left < last then redis.call('PEXPIREAT', key, whole(last)) end
end

local function add(key, number, ends, amount)
  if tonumber(amount) > 0 then
    redis.call('HINCRBY', key, whole(number), amount)
    local last = ends(number)
    if last then keep(key, last) end
  end
end

-- Takes back what was taken in a slot or period, if that still counts.
local function give_back(key, note, ends, amount)
  local last = ends(tonumber(note))
  if last and last <= now then return end
  local back = math.min(tonumber(redis.call('HGET', key, note) or '0'), amount)
  if back > 0 and redis.call('HINCRBY', key, note, whole(-back)) <= 0 then
    redis.call('HDEL', key, note)
  end
end

-- The last key is this change's own: what was done already is answered as it was.
local does, once = ARGV[1], KEYS[#KEYS]
if does == 'undo' then
  -- Its own key is that of a reservation of which nobody heard.
  local answer = {}
  for number in string.gmatch(redis.call('GET', once) or '', '%S+') do
    answer[#answer + 1] = number
  end
  if answer[1] == '1' then
    for at = 1, #KEYS - 1 do
      local _, ends = window(ARGV[3 * at - 1])
      give_back(KEYS[at], answer[at + 1], ends, tonumber(ARGV[3 * at + 1]))
    end
  end
  -- Should that come now, it reserves nothing.
  redis.call('SET', once, '0 0 0 -1', 'PX', SETTLED)
  return { 1 }
end
if does ~= 'used' then
  local before = redis.call('GET', once)
  if before then
    local answer = {}
    for number in string.gmatch(before, '%S+') do answer[#answer + 1] = tonumber(number) end
    return answer
  end
end
local function done(answer, life)
  local words = {}
  for at, number in ipairs(answer) do words[at] = whole(number) end
  redis.call('SET', once, table.concat(words, ' '), 'PX', life)
  return answer
end

if does == 'reserve' then
  local accounts, full = {}, nil
  for at = 1, #KEYS - 1 do
    local key = KEYS[at]
    local number, ends = window(ARGV[3 * at - 1])
    local account = open(key, ends)
    local wait = room(account, ends, tonumber(ARGV[3 * at]), tonumber(ARGV[3 * at + 1]))
    if wait and (not full or (full[4] >= 0 and (wait < 0 or wait > full[4]))) then
      full = { 0, at - 1, account.used + account.held, wait }
    end
    accounts[at] = { number, ends }
  end
  if full then return full end
  local granted = { 1 }
  for at = 1, #KEYS - 1 do
    local key = KEYS[at]
    local number, ends = accounts[at][1], accounts[at][2]
    add(key, number, ends, ARGV[3 * at + 1])
    granted[at + 1] = number
  end
  return done(granted, ONCE)
end

local key, number, ends = KEYS[1], window(ARGV[2])
if does == 'settle' then
  local note, amount, used = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
  if used > amount then
    add(key, number, ends, whole(used - amount))
  else
    give_back(key, note, ends, amount - used)
  end
  return done({ 1 }, SETTLED)
elseif does == 'hold' then
  local account = open(key, ends)
  local last = now + tonumber(ARGV[4])
  local held = math.max(tonumber(ARGV[3]) - account.used, 0)
  redis.call('HSET', key, 'held', whole(held), 'until', whole(last))
  if ends(number) then keep(key, last) end
  return { 1 }
end
local account = open(key, ends)
local renews = account.slots[1] and ends(account.slots[1][1])
if account.held > 0 and (not renews or account.held_until < renews) then
  renews = account.held_until
end
return { account.used + account.held, renews and renews - now or -1 }
