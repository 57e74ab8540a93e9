-- The feed of changes of a partition is a stream. It begins with an entry that is no change, so there is
-- always one, and its IDs say what a reader has missed: one whose last entry is gone.
--
-- Where no changes are kept there is no stream: those who follow hear of it, and do not wait for what
-- will not come.
local function open_feed(stream, kept)
  if kept == 0 then
    redis.call('UNLINK', stream)
  elseif redis.call('EXISTS', stream) == 0 then
    redis.call('XADD', stream, '*', 'op', 'start', 'id', '', 'revision', '-', 'expires', '-')
  end
end

-- Tells one change: op is put, delete or expire; the revision is '-' where no write made the change, and
-- the moment in ms at which the item ends is '-' where it does not. Whole nodes are taken off at the other
-- end of the stream.
local function append_change(stream, kept, op, id, revision, ends)
  redis.call('XADD', stream, 'MAXLEN', '~', kept, '*', 'op', op, 'id', id, 'revision', revision, 'expires', ends)
end

