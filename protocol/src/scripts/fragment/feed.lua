-- The feed of changes of a partition is a stream. It begins with an entry that is no change, so there is
-- always one, and its IDs say what a reader has missed: one whose last entry is gone.
--
-- In a store that can fail over the IDs tell the term of their primary. So none is given out again by one that
-- lacks the end of the feed, and a reader who has got to a lost change is told, not misled.

-- Tells one change: op is put, delete or expire; the revision is '-' where no write made the change, and
-- the moment in ms at which the item ends is '-' where it does not. `feed` is what open_feed answered. Old changes are
-- taken off with the first that a script tells.
local function append_change(feed, op, id, revision, ends)
  local fields = {'op', op, 'id', id, 'revision', revision, 'expires', ends}
  append_in_term(feed.stream, nil, feed.term, fields, 1, 8, feed.kept)
  feed.kept = nil
end

-- Makes the feed if there is none. Where no changes are kept there is no stream: those who follow hear of it, and
-- do not wait for what will not come.
local function open_feed(stream, terms, kept)
  if kept == 0 then
    redis.call('UNLINK', stream)
    return nil
  end
  local feed = {stream = stream, kept = kept}
  if redis.call('HEXISTS', terms, 'current') == 1 then feed.term = string.format('%.0f', this_term()) end
  if redis.call('EXISTS', stream) == 0 then append_change(feed, 'start', '', '-', '-') end
  return feed
end

