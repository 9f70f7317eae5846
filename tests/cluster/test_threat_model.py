"""What docs/threat-model.md says about rights is what the API server says."""

import re
from collections import defaultdict

import pytest

from tests.support.product import NAMESPACE, RELEASE, ROOT, Product

#: (resource, name or "" for any) -> verbs
Rights = dict[tuple[str, str], set[str]]
EVERYWHERE, OWN = "every namespace", "the release's namespace"
_ROW = re.compile(r"^\| `([\w-]+)` \| (every namespace|the release's namespace) \| `(\S+)` \| (\S+) \| (.+) \|$", re.M)
#: A line of `kubectl auth can-i --list`: resource, URLs, names, verbs.
_LINE = re.compile(r"^(\S+)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$", re.M)


def documented(account: str, places: set[str]) -> Rights:
    found: Rights = defaultdict(set)
    for who, where, resource, name, verbs in _ROW.findall((ROOT / "docs" / "threat-model.md").read_text("utf-8")):
        if who == account and where in places:
            found[resource, "" if name == "any" else name.strip("`")] |= set(verbs.split(", "))
    return found


def allowed(product: Product, account: str, namespace: str) -> Rights:
    """What a ServiceAccount of the release may do in a namespace."""
    user = f"system:serviceaccount:{NAMESPACE}:{account}"
    listing = product.bed.kubectl("auth", "can-i", "--list", "--no-headers", "-n", namespace, "--as", user).stdout
    found: Rights = defaultdict(set)
    for resource, urls, names, verbs in _LINE.findall(listing):
        assert resource or urls
        for name in names.split() or [""]:
            found[resource, name] |= set(verbs.split())
    return found


@pytest.mark.parametrize("account", [RELEASE, f"{RELEASE}-webhooks"])
@pytest.mark.parametrize(("namespace", "places"), [(NAMESPACE, {EVERYWHERE, OWN}), ("default", {EVERYWHERE})])
def test_the_accounts_may_do_what_the_page_says(
    product: Product, account: str, namespace: str, places: set[str]
) -> None:
    anybody = allowed(product, "default", namespace)
    found = {
        key: verbs - anybody.get(key, set())
        for key, verbs in allowed(product, account, namespace).items()
        if verbs - anybody.get(key, set())
    }
    assert found == documented(account, places)
