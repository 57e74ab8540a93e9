//! A build of a script in which each call of Redis is counted and one can be made to fail.

use std::fmt::Write as _;

use larder_protocol::scripts::Script;
use larder_tests::RedisAlone;

use super::Inner;

/// Such a build: the lines of the script, with a number in each call of Redis.
pub struct Faulty {
    text: String,
    /// The line of each call, by its place.
    pub lines: Vec<String>,
}

/// What a call of Redis begins with in the text of a script.
const CALLS: [&str; 3] = ["redis.pcall(", "redis.call(", "call("];

/// Where a run notes its calls.
const TRACE: &str = "trace";

impl Faulty {
    /// A build of this script.
    pub fn of(script: &Script) -> Self {
        let source = script.source();
        // The first line has the flags. A build notes what it does, so it cannot be one that reads only.
        let (_, body) = source.split_once('\n').expect("a script begins with its flags");
        let (mut text, mut lines) = (String::new(), vec![]);
        for line in body.lines() {
            let mut rest = line;
            while let Some((before, call, after)) = next_call(rest) {
                write!(text, "{before}{call}{}, ", lines.len()).expect("a string takes all");
                lines.push(line.trim().to_owned());
                rest = after;
            }
            text.push_str(rest);
            text.push('\n');
        }
        Self { text, lines }
    }

    /// Its text, in which the planned call fails, as a command does for which there is no right; the script may ask
    /// whether there is. A call is known by its place and by how often the script was there before, for how many there are
    /// depends on the clock, too.
    pub fn source(&self, planned: Option<&Inner>) -> String {
        let (site, time, command) =
            planned.map_or((-1, 0, ""), |call| (call.site.cast_signed(), call.time, call.command.as_str()));
        format!(
            "#!lua flags=allow-oom\n\
             local server, refused, times = redis, '{command}', {{}}\n\
             server.call('DEL', '{TRACE}')\n\
             local function longest(reply)\n\
               if type(reply) == 'string' then return #reply end\n\
               if type(reply) ~= 'table' then return 0 end\n\
               local most = 0\n\
               for _, part in pairs(reply) do most = math.max(most, longest(part)) end\n\
               return most\n\
             end\n\
             local function build(run, raises)\n\
               return function(site, command, ...)\n\
                 times[site] = (times[site] or 0) + 1\n\
                 if site == {site} and times[site] == {time} then\n\
                   local failure = {{err = 'NOPERM planned'}}\n\
                   if raises then error(failure) end\n\
                   return failure\n\
                 end\n\
                 local reply = run(command, ...)\n\
                 server.call('RPUSH', '{TRACE}', site .. ' ' .. times[site] .. ' ' .. command .. ' ' .. longest(reply))\n\
                 return reply\n\
               end\n\
             end\n\
             local redis = {{\n\
               call = build(server.call, true), pcall = build(server.pcall, false), error_reply = server.error_reply,\n\
               acl_check_cmd = function(command) return command ~= refused end,\n\
             }}\n{}",
            self.text
        )
    }

    /// The calls of the last run.
    pub async fn trace(redis: &RedisAlone) -> anyhow::Result<Vec<Inner>> {
        let notes: Vec<String> = redis.command(&["LRANGE", TRACE, "0", "-1"]).await?;
        notes
            .iter()
            .map(|note| {
                let words: Vec<_> = note.split(' ').collect();
                let [site, time, command, longest] = words[..] else { anyhow::bail!("{note}") };
                let (site, time, longest) = (site.parse()?, time.parse()?, longest.parse()?);
                Ok(Inner { site, time, command: command.to_owned(), longest })
            })
            .collect()
    }

    /// Whether a key is only there for this.
    pub fn is_own(key: &str) -> bool {
        key == TRACE
    }
}

/// What comes before the next call in a line, how that begins, and what follows.
fn next_call(line: &str) -> Option<(&str, &str, &str)> {
    let found = CALLS.iter().filter_map(|call| {
        let at = line.match_indices(call).map(|(at, _)| at).find(|&at| {
            !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '.' || before == '_')
        });
        Some((at?, *call))
    });
    let (at, call) = found.min()?;
    Some((&line[..at], call, &line[at + call.len()..]))
}
