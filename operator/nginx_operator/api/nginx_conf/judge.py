"""Errors and warnings of a configuration: nginx's grammar as `ngx_conf_handler` applies it, and the rules beyond it.

An error refuses what nginx would refuse, or what the rules forbid. What nginx may accept, but hardly anybody means, is
a warning; an unknown directive too, since a module of the user's image may bring it. Values are for `nginx -t`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from nginx_operator.api.near_misses import near_miss
from nginx_operator.api.nginx_conf import includes, listens
from nginx_operator.api.nginx_conf.directives import BLOCKS, FREE, Rule, table, title
from nginx_operator.api.nginx_conf.findings import MOST_FINDINGS, Finding, Verdict
from nginx_operator.api.nginx_conf.lexer import ConfigSyntaxError
from nginx_operator.api.nginx_conf.parser import Directive, parse, unterminated
from nginx_operator.api.nginx_conf.rules import Rules
from nginx_operator.api.nginx_conf.unterminated import swallowed

Place = Literal["http", "main"]
"""The text stands inside `http {}`, as a file of its own, or is the whole nginx.conf."""

_MOST_NEAR_MISSES = 10
_LONGEST_NEAR_MISS, _NEAR = 64, 0.85
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_LONE_WORDS = {"map": ("hostnames", "volatile"), "geo": ("ranges", "proxy_recursive")}
_KEYS = ("ssl_certificate_key", "ssl_certificate")


def judge(text: str, *, path: str, place: Place, rules: Rules) -> Verdict:
    """Return the verdict on `text`, a configuration that the field `path` holds. Never raises."""
    trial = _Trial(path, place, rules)
    if "\r" in text and "\n" not in text and "#" in text:
        trial.warn(
            1, "lines end in a carriage return alone; for nginx the first comment goes on to the end of the text"
        )
    try:
        directives = parse(text)
    except ConfigSyntaxError as error:
        trial.refuse(error.line, error.message)
        return trial.verdict()
    trial.hear(directives, place)
    if place == "main":
        trial.require_sections(directives)
    trial.judge_ports()
    return trial.verdict()


@dataclass
class _Trial:
    """What was found so far."""

    path: str
    place: Place
    rules: Rules
    errors: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    listens: list[listens.Listen] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    denied: dict[str, bool] = field(default_factory=dict)

    def denies(self, name: str) -> bool:
        if (known := self.denied.get(name)) is None:
            known = self.denied[name] = self.rules.denies(name)
        return known

    def refuse(self, line: int, message: str) -> None:
        self.errors.append(Finding(line, message, self.path))

    def warn(self, line: int, message: str) -> None:
        self.warnings.append(Finding(line, message, self.path))

    def verdict(self) -> Verdict:
        return Verdict(sorted(self.errors)[:MOST_FINDINGS], sorted(self.warnings)[:MOST_FINDINGS], self.listens)

    def hear(self, directives: list[Directive], context: str) -> None:
        """Judge the directives and what stands in their blocks, without recursion."""
        waiting = [(directives, context)]
        while waiting:
            found, context = waiting.pop()
            for directive in found:
                inside = self.judge_directive(directive, context)
                if directive.block is None:
                    continue
                if inside is None:
                    if directive.name in FREE:
                        self.judge_free(directive)
                    else:
                        self.hear_unknown(directive)
                else:
                    waiting.append((directive.block, inside))
                    if inside == "http/server" and not _has(directive.block, "listen", "include"):
                        self.add_listen(Directive("listen", ["*:8000"], directive.line, None, []), inside)

    def judge_directive(self, directive: Directive, context: str) -> str | None:
        """Judge one directive; return the context inside it, None when that is free or unknown."""
        name = directive.name
        if self.denies(name):
            self.refuse(directive.line, f"directive {_quoted(name)} is not allowed, because it loads or runs code")
            return None
        rule = table().rule(name, context)
        if rule is None:
            self.judge_unfit(directive, context)
            return None
        if self.judge_form(directive, rule, context):
            self.judge_meaning(directive, context)
        return BLOCKS.get((context, name))

    def judge_unfit(self, directive: Directive, context: str) -> None:
        """Judge a directive that nginx does not have in this context."""
        name, line = directive.name, directive.line
        known = table().rules.get(name)
        if known is not None:
            fit = dict.fromkeys(title(place) for rule in known for place in sorted(rule.contexts))
            self.refuse(
                line, f"directive {_quoted(name)} is not allowed in {title(context)}, but in {', '.join(list(fit)[:6])}"
            )
        elif not _NAME.fullmatch(name):
            hint = '; put quotes around a regular expression that has "{"' if name[:1].isdigit() or "}" in name else ""
            self.refuse(line, f"unknown directive {_quoted(name)}{hint}")
        elif name not in self.unknown:
            self.unknown.add(name)
            near = _near_directive(name) if len(self.unknown) <= _MOST_NEAR_MISSES else None
            says = f'did you mean "{near}"?' if near else f"nginx {table().version} does not have it without a module"
            self.warn(line, f"unknown directive {_quoted(name)}; {says}")

    def judge_form(self, directive: Directive, rule: Rule, context: str) -> bool:
        """Judge what ends a directive, and how many arguments it has; tell whether it is well-formed."""
        name, line, number = directive.name, directive.line, len(directive.args)
        lost = swallowed(directive, context, table()) if directive.line_starts else None
        if (directive.block is not None) and not rule.block:
            self.refuse(line, unterminated(directive).message)
        elif rule.block and directive.block is None:
            self.refuse(line, f'directive "{name}" has no opening "{{"')
        elif lost and (not rule.takes(number) or name == "listen"):
            self.refuse(line, unterminated(directive).message)
        elif not rule.takes(number):
            self.refuse(line, f'directive "{name}" takes {rule.counts}, but has {number}')
        else:
            if lost:
                self.warn(line, f'directive "{name}" takes "{lost}" in a later line as an argument; is a ";" missing?')
            return True
        return False

    def judge_meaning(self, directive: Directive, context: str) -> None:
        """Judge what a well-formed directive would do."""
        name, args, line = directive.name, directive.args, directive.line
        if name == "include":
            if sentence := includes.outside(args[0], self.rules):
                self.refuse(line, sentence)
        elif name == "listen" and context.endswith("/server"):
            self.add_listen(directive, context)
        elif context == "main":
            self.judge_main(directive)
        elif name.endswith(_KEYS) and args[0].startswith("engine:") and self.denies("ssl_engine"):
            self.refuse(line, f'directive "{name}" names an engine of OpenSSL, which is not allowed; name a file')
        if name in table().deprecated:
            instead = table().deprecated[name]
            self.warn(line, f'directive "{name}" is deprecated' + (f'; use "{instead}"' if instead else ""))

    def judge_main(self, directive: Directive) -> None:
        """Judge a directive of the main context."""
        name, value, line = directive.name, directive.args[0].lower() if directive.args else "", directive.line
        if name == "daemon":  # nginx takes it once, and the operator's command line has it
            self.refuse(line, '"daemon" is set where the container starts nginx, in the foreground; remove it')
        elif name == "master_process" and value != "on":
            self.refuse(line, f'"master_process {value[:20]}" is for developers of nginx alone; remove it')
        elif name == "user":
            self.warn(line, 'directive "user" has no effect, since nginx does not run as root')

    def judge_free(self, directive: Directive) -> None:
        """Judge the content of a block such as `map`, which nginx reads by a rule of its own."""
        kind = directive.name
        for entry in directive.block or ():
            words = 1 + len(entry.args)
            if entry.block is not None:
                self.refuse(entry.line, f'unexpected "{{" in the block of "{kind}"')
            elif entry.name == "include" and words == 2:
                if sentence := includes.outside(entry.args[0], self.rules):
                    self.refuse(entry.line, sentence)
            elif kind == "types":
                if entry.name == "include":
                    self.refuse(entry.line, 'directive "include" takes 1 argument')
            elif not (words == 2 or (kind == "split_clients" and words > 2)) and not (
                words == 1 and entry.name in _LONE_WORDS.get(kind, ())
            ):
                self.refuse(entry.line, f'an entry of "{kind}" is two words and ";", but this one has {words}')

    def hear_unknown(self, directive: Directive) -> None:
        """Look for what the rules forbid in a block whose grammar is unknown, without recursion."""
        waiting = [directive]
        while waiting:
            for inner in waiting.pop().block or ():
                if self.denies(inner.name):
                    self.judge_directive(inner, "")
                elif inner.name == "include" and inner.args and (said := includes.outside(inner.args[0], self.rules)):
                    self.refuse(inner.line, said)
                if inner.block is not None:
                    waiting.append(inner)

    def add_listen(self, directive: Directive, context: str) -> None:
        """Keep what a `listen` means, and warn of what is odd about it."""
        listen = listens.listen_of(directive, context.partition("/")[0])
        if isinstance(listen, str):
            self.refuse(directive.line, listen)
        elif listen is not None:
            self.listens.append(listen)
            if listen.first < listens.FIRST_UNPRIVILEGED:
                self.warn(
                    listen.line,
                    f"listens on port {listen.first}, which older container runtimes keep for root; "
                    f"use a port of {listens.FIRST_UNPRIVILEGED} or above",
                )
        if listen is not None and context == "http/server" and "http2" in directive.args[1:]:
            self.warn(directive.line, 'parameter "http2" of "listen" is deprecated; use directive "http2"')

    def judge_ports(self) -> None:
        """Refuse ports that are taken."""
        for listen in self.listens:
            for port, owner in self.rules.reserved_ports.items():
                if listen.first <= port <= listen.last and not listen.udp:
                    self.refuse(listen.line, f"listens on port {port}, which is {owner}; use another port")
        for first, second in listens.collisions(self.listens):
            port = max(first.first, second.first)
            where = f'a server of "{first.module}" in line {first.line}'
            self.refuse(second.line, f"listens on port {port}, as {where} does; nginx would not start")

    def require_sections(self, directives: list[Directive]) -> None:
        """Judge which sections a whole nginx.conf lacks; an include may bring them."""
        if _has(directives, "include"):
            return
        if not _has(directives, "events"):
            self.refuse(1, 'no "events" block; nginx does not start without one, and "events {}" is enough')
        if not _has(directives, "http", "stream", "mail"):
            self.warn(1, 'no "http", "stream" or "mail" block; nginx would serve nothing')


def _has(directives: list[Directive], *names: str) -> bool:
    return any(directive.name in names for directive in directives)


def _near_directive(name: str) -> str | None:
    known = [other for other in table().rules if abs(len(other) - len(name)) <= 3]
    return near_miss(name, known, longest=_LONGEST_NEAR_MISS, cutoff=_NEAR)


def _quoted(name: str) -> str:
    return f'"{name[:80]}"'
