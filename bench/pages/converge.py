"""What docs/performance.md and README say of bringing up and keeping many Nginx."""

from pathlib import Path

from bench.pages.words import goals as goal_table
from bench.pages.words import items, median, number, paragraph, spread
from bench.records import converge_name, read_results
from bench.report import job_table, origin
from bench.trial import Result

#: The sizes that the page quotes: number of Nginx, whether each has a Service.
SIZES = ((100, True), (1000, True), (1000, False), (10_000, False))


class Size:
    """The committed results of one size."""

    def __init__(self, results: Path, nginxes: int, *, services: bool) -> None:
        self.name = converge_name(nginxes, services=services)
        self.nginxes = nginxes
        self.results, self.about = read_results(results / self.name)
        self.job = self.results[0].job

    def all(self, contender: str, figure: str, factor: float = 1.0) -> list[float]:
        """A figure of all rounds."""
        return [r.figures[figure] * factor for r in self.results if r.contender == contender and figure in r.figures]

    def of(self, contender: str, figure: str, digits: int, factor: float = 1.0) -> str:
        """A figure's median, as text."""
        return number(median(self.all(contender, figure, factor)), digits)

    def both(self, figure: str, digits: int, factor: float = 1.0) -> tuple[str, str]:
        """Ours and the Go operator's."""
        return self.of("ours", figure, digits, factor), self.of("go", figure, digits, factor)

    def each(self, figure: str, digits: int) -> tuple[str, str]:
        """Seconds for all as milliseconds for each Nginx; ours and the Go operator's."""
        return self.both(figure, digits, 1000 / self.nginxes)

    def ratios(self, figure: str, peer: str) -> list[float]:
        """Ours by a peer's, round by round."""
        return [a / b for a, b in zip(self.all("ours", figure), self.all(peer, figure), strict=True)]


def _thousand(results: Path) -> Size:
    return Size(results, 1000, services=True)


def _many(results: Path) -> Size:
    return Size(results, 10_000, services=False)


def cost(results: Path) -> str:
    """README's item."""
    size = _thousand(results)
    memory, cpu, time = size.both("peak rss", 0, 1e-6), size.each("converge cpu", 1), size.both("converge", 0)
    return items(
        [
            f"1,000 Nginx cost {memory[0]} MB of memory at the most, {cpu[0]} ms of CPU time each to bring up, and "
            f"{size.of('ours', 'idle cpu', 2, 100)} % of a core at rest. A Go operator for the same job took "
            f"{memory[1]} MB "
            f"and {cpu[1]} ms; all were ready after {time[0]} s, its after {time[1]} s "
            "([performance](docs/performance.md))."
        ]
    )


def in_short(results: Path) -> str:
    """The page's first list."""
    size, many, bare = _thousand(results), _many(results), Size(results, 1000, services=False)
    memory, more = size.both("peak rss", 0, 1e-6), many.both("peak rss", 0, 1e-6)
    cpu, scaling, writes = size.each("converge cpu", 1), size.each("scale cpu", 1), size.both("writes per nginx", 1)
    soon, late = size.both("reaction p50", 0, 1e3), size.both("reaction p99", 0, 1e3)
    time, scale, without = size.both("converge", 0), size.both("scale", 0), bare.both("converge", 0)
    huge, again, longer = many.both("converge", 0), size.both("restart", 1), many.both("restart", 1)
    return items(
        [
            f"One operator keeps 1,000 Nginx with {memory[0]} MB of memory at the most and 10,000 with {more[0]} "
            "MB; the Go "
            f"operator beside it takes {memory[1]} and {more[1]} MB. At rest it uses "
            f"{size.of('ours', 'idle cpu', 2, 100)} % of a core.",
            f"A new Nginx with three pods costs {cpu[0]} ms of CPU time and {writes[0]} writes until it is ready, "
            "scaling one "
            f"costs {scaling[0]} ms; the Go operator's cost {cpu[1]} ms, {writes[1]} writes and {scaling[1]} ms.",
            f"From the write of a spec to the write of the Deployment: {soon[0]} ms at the median, {late[0]} ms at "
            "the 99th "
            f"percentile; the Go operator's {soon[1]} and {late[1]} ms.",
            f"1,000 new Nginx take {time[0]} s until all are ready, the Go operator's {time[1]} s; scaling them all "
            "takes "
            f"{scale[0]} and {scale[1]} s. Without Services 1,000 take {without[0]} and {without[1]} s, 10,000 "
            f"{huge[0]} and "
            f"{huge[1]} s.",
            f"After a restart it acts on changes after {again[0]} s with 1,000 Nginx and after {longer[0]} s with "
            "10,000, and "
            f"writes nothing to the unchanged ones; the Go operator takes {again[1]} and {longer[1]} s.",
        ]
    )


def goals(results: Path) -> str:
    """Goals at 1,000 Nginx."""
    size = _thousand(results)
    rows = []
    for goal, figure, peer, most in (
        ("time to bring all up, of Go", "converge", "go", 1.0),
        ("the same, of the floor", "converge", "floor", 1.05),
        ("time to scale all, of Go", "scale", "go", 1.0),
        ("CPU time to bring all up, of Go", "converge cpu", "go", 0.8),
        ("peak memory, of Go", "peak rss", "go", 1.2),
    ):
        ratios = size.ratios(figure, peer)
        rows.append((f"{goal}: at most {most}", spread(ratios, 2), median(ratios) <= most))
    writes = size.all("ours", "writes per nginx")
    rows.append(("writes for each Nginx until ready: at most 5", spread(writes, 1), median(writes) <= 5))
    for part, words, most in (("p50", "the median", 15), ("p99", "the 99th percentile", 60)):
        taken = size.all("ours", f"reaction {part}", 1e3)
        rows.append(
            (f"reaction to one change at {words}: at most {most} ms", f"{spread(taken, 0)} ms", median(taken) <= most)
        )
    return _origin(size) + goal_table(rows)


def goals_of_many(results: Path) -> str:
    """Goals at 10,000 Nginx."""
    many, bare = _many(results), Size(results, 1000, services=False)
    slower, peers = ([median(many.all(n, "converge")) / median(bare.all(n, "converge")) / 10] for n in ("ours", "go"))
    memory, restart = many.ratios("peak rss", "go"), many.all("ours", "restart")
    unchanged, idle = many.all("ours", "restart writes"), many.all("ours", "idle cpu", 100)
    return _origin(many) + goal_table(
        [
            (
                "time to bring all up, of ten times that of 1,000: at most 1.2",
                f"{spread(slower, 2)} (Go: {spread(peers, 2)})",
                slower[0] <= 1.2,
            ),
            ("peak memory, of Go: at most 0.8", spread(memory, 2), median(memory) <= 0.8),
            (
                "restart: at most 15 s, with 0 writes",
                f"{spread(restart, 1)} s, {spread(unchanged, 0)} writes",
                median(restart) <= 15 and not any(unchanged),
            ),
            ("idle CPU: at most 1 % of a core", f"{spread(idle, 2)} %", median(idle) <= 1),
        ]
    )


def services(results: Path) -> str:
    """What Services have to do with the time."""
    size, bare = _thousand(results), Size(results, 1000, services=False)
    ranges = ", ".join(
        f"{title} {number(min(found), 0)} to {number(max(found), 0)} s"
        for title, found in (
            (t, size.all(n, "converge")) for t, n in (("we took", "ours"), ("Go", "go"), ("the floor", "floor"))
        )
    )
    ours, go = bare.both("converge", 0)
    return paragraph(
        f"The time varies with the machine: in {len(size.all('ours', 'converge'))} rounds with 1,000 Nginx "
        f"{ranges}. Without "
        f"Services we took {ours} s and Go {go} s."
    )


def tables(results: Path) -> str:
    """All figures of all sizes."""
    parts = []
    for nginxes, with_services in SIZES:
        size = Size(results, nginxes, services=with_services)
        title = size.job.replace(str(nginxes), number(nginxes))
        link = f"[JSON](../bench/results/{size.name})"
        parts.append(f"### {title}\n\n{origin(size.about)}\n{link}\n\n{job_table(size.results, size.job)}")
    return "\n".join(parts)


def _origin(size: Size) -> str:
    rounds = max(_rounds(size.results, name) for name in ("ours", "go"))
    return f"{rounds} round{'s' if rounds > 1 else ''}, of {size.about['date']}, at commit {size.about['commit']}.\n\n"


def _rounds(results: list[Result], contender: str) -> int:
    return sum(result.contender == contender for result in results)
