"""The documentation as the test bed reads it: every command is in a block that runs, or that says why it does not."""

import re
from pathlib import Path

import pytest

from tests.support.docs.blocks import PAGES, ROOT, Command, PageError, blocks, differs, outside

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
PAGE = """\
Text.

```console
$ kubectl get nginx
NAME   COUNT
web    3
$ kubectl apply -f - <<'YAML'
$ no command
YAML
created
$ helm upgrade \\
    --wait
```

```sh not run: no cloud is here
gcloud x
```
```yaml
a: b
```
"""


def test_a_page_is_read() -> None:
    ours, cloud = blocks(PAGE)
    assert ours.commands == (
        Command(4, "kubectl get nginx", ("NAME   COUNT", "web    3")),
        Command(7, "kubectl apply -f - <<'YAML'\n$ no command\nYAML", ("created",)),
        Command(11, "helm upgrade \\\n    --wait"),
    )
    assert (ours.reason, cloud.reason, cloud.commands) == ("", "no cloud is here", (Command(16, "gcloud x"),))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```sh\na", "line 1: a block without an end"),
        ("```console skipped\n$ a\n```", "line 1: 'skipped' is not 'not run: ' with a reason"),
        ("```sh not run: \na\n```", "is not"),
        ("```console\na\n```", "line 2: an answer without a command"),
    ],
)
def test_what_cannot_be_read_is_told(text: str, words: str) -> None:
    with pytest.raises(PageError, match=re.escape(words)):
        blocks(text)


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("web  3  17s", "web      3   2m5s"),
        ("nginx-sample-56f4bd7694-9fm4g   1/1", "nginx-sample-7fd9cc7b8-abcde 1/1"),
        ('["a-56f4bd7694-9fm4g","a-56f4bd7694-ckngr"]', '["a-7fd9cc7b8d-abcde","a-7fd9cc7b8d-abcdf"]'),
        ("signing: 5f0c..., until 2027-11-24T21:00:00+00:00", "signing: 5f0ca1b2, until 2026-01-02T03:04:05Z"),
        ("...", "whatever"),
        ("10.96.0.12  80/TCP", "10.96.1.7 80/TCP"),
    ],
)
def test_what_cannot_be_the_same_twice_may_differ(shown: str, said: str) -> None:
    assert differs([shown], f"before\n{said}\nafter") == ""


@pytest.mark.parametrize(("shown", "said"), [("web 3", "web 4"), ("web", "web 3"), ("a.b", "acb")])
def test_what_is_another_answer_is_found(shown: str, said: str) -> None:
    assert differs([shown], said) == shown


def test_lines_are_looked_for_in_their_order() -> None:
    assert differs(["a", "b"], "a\nx\nb") == ""
    assert differs(["b", "a"], "a\nx\nb") == "a"


@each_page
def test_every_command_of_a_page_is_in_a_block(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    blocks(text)
    assert outside(text) == [], "fence them as console or sh"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and most makers of sites write them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if target.startswith(("http://", "https://")):
            continue
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_the_index_leads_to_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    linked = set(re.findall(r"\]\(([^)#\s]+)\)", index.read_text(encoding="utf-8")))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked
