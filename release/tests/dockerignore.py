"""Which files `docker build` sees, by https://docs.docker.com/build/concepts/context/#dockerignore-files."""

import re


def context(files, patterns):
    """Those of `files` that a .dockerignore with that text lets through."""
    rules = [rule for line in patterns.splitlines() if (rule := parsed(line))]
    return [path for path in files if not ignored(path, rules)]


def parsed(line):
    """(whether it lets through, what it matches), or None for a line that says nothing."""
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    through, line = line.startswith("!"), line.lstrip("!").strip()
    return through, re.compile(expression(line.strip("/")))


def expression(pattern):
    """Go's filepath.Match, in which `*` and `?` stay in one folder, and Docker's `**`, which does not."""
    out, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            out, at = out + ".*", at + 2
        elif (end := pattern.find("]", at)) > 0 and pattern[at] == "[":
            out, at = out + pattern[at : end + 1], end + 1
        else:
            one = {"*": "[^/]*", "?": "[^/]"}.get(pattern[at], re.escape(pattern[at]))
            out, at = out + one, at + 1
    return out


def ignored(path, rules):
    """The last rule that matches the file, or a folder that it is in, decides."""
    parts = path.split("/")
    places = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    verdict = False
    for through, rule in rules:
        if any(rule.fullmatch(place) for place in places):
            verdict = not through
    return verdict
