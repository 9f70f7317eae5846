"""Specs that hypothesis makes: mostly valid, with a wrong value, a wrong type or an edge of a rule here and there."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Values = SearchStrategy[Any]

#: No surrogates, of which JSON in UTF-8 has none, nor what JSON escapes as two: YAML reads it otherwise.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=12)
_FLOATS = st.sampled_from([0.0, 1.0, 2.5, -1.0, 1e3, 2.0**31, 1e22, 1e300])
_INTEGERS = st.sampled_from(
    [-(2**63), -(2**31), -1, 0, 1, 2, 80, 100, 101, 65535, 65536, 2**31 - 1, 2**31, 2**63, 10**30]
)
_SCALARS = st.none() | st.booleans() | _INTEGERS | _FLOATS | _TEXT
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _mostly(good: Values, *odd: Values) -> Values:
    """Three times in four a good value, else an odd one, or one of any type."""
    return st.one_of(good, good, good, good, good, good, *odd, _ANYTHING)


def _words(*words: str) -> Values:
    """Some words, and what a pattern that is not anchored would take for one of them."""
    return st.sampled_from(words) | st.sampled_from(words).map(lambda word: f"{word}\n") | _TEXT


_LONG = st.sampled_from([50, 64, 253, 254, 512, 513]).map(lambda length: "a" * length)
_PORTS = st.sampled_from([1, 80, 8080, 30080, 32767, 65535])
_QUANTITIES = st.sampled_from(
    ["1", "500m", "0.5", ".5", "1.", "64Mi", "1Gi", "1e3", "1E3", "1E", "0", "100n", "+1", "1e99", "1.5Gi", "0.1m"]
)
_AMOUNTS = _mostly(
    st.integers(0, 4) | _QUANTITIES,
    st.sampled_from([-1, "-1", "1 Gi", "1gi", "1e100", "1e-9", "", "m", "1_0", "٣", "9" * 33, "1Gi\n", 2**63]),
)
_RESOURCES = st.sampled_from(["cpu", "memory", "ephemeral-storage", "example.com/gpu", "hugepages-2Mi"])
_AMOUNTS_BY_NAME = _mostly(
    st.dictionaries(_RESOURCES, _AMOUNTS, max_size=3),
    st.dictionaries(_words("cpus", "requests.cpu", "a//b", "hugepages-", "CPU"), _AMOUNTS, max_size=2),
    st.just({f"example.com/r{number}": 1 for number in range(17)}),
)
_IMAGES = st.sampled_from(["nginx:1", "nginx", "example.com:5000/a/b:1", "a@sha256:" + "0f" * 32, "nginx:latest"])
_SECRET = st.sampled_from(["registry-login", "a", "a.b", "0"])
_SECRETS = _mostly(
    st.lists(st.fixed_dictionaries({"name": _SECRET}), max_size=3),
    st.lists(
        st.fixed_dictionaries({"name": _mostly(_SECRET, _words("a"), _LONG)}, optional={"nmae": _SCALARS}), max_size=3
    ),
    st.lists(st.just({}) | _SCALARS, max_size=2),
    st.integers(16, 17).map(lambda count: [{"name": f"s{number}"} for number in range(count)]),
)
_ANNOTATIONS = _mostly(
    st.dictionaries(st.sampled_from(["tier", "example.com/tier", "Example.com/Tier"]), _TEXT, max_size=2),
    st.dictionaries(_words("tier", "a//b", "a b", "/a", "a/"), _TEXT, max_size=2),
    st.dictionaries(st.just("tier"), _SCALARS | st.just("x" * 4097)),
)
_NETWORKS = _mostly(
    st.lists(st.sampled_from(["192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"]), max_size=3, unique=True),
    st.lists(
        _words("192.0.2.0/24", "192.0.2.1/24", "1.2.3/8", "192.0.2.0/33", "192.0.2.0/024", "1.2.3.4", "::/129"),
        max_size=3,
    ),
    st.lists(st.just("192.0.2.0/24"), min_size=2, max_size=2),
    st.lists(_SCALARS, max_size=2),
)
_TYPES = st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer", "LoadBalancer"])
_SERVICE = st.fixed_dictionaries(
    {},
    optional={
        "enabled": _mostly(st.booleans()),
        "type": _mostly(_TYPES, _words("ExternalName", "NodePort")),
        "port": _mostly(_PORTS, _INTEGERS, _FLOATS),
        "nodePort": _mostly(_PORTS, _INTEGERS),
        "annotations": _ANNOTATIONS,
        "externalTrafficPolicy": _mostly(st.sampled_from(["Cluster", "Local"]), _words("Local")),
        "loadBalancerClass": _mostly(
            st.sampled_from(["a", "example.com/internal"]), _words("a/b/c", "a..b", "A/b", "a_b.c/d", "-a"), _LONG
        ),
        "loadBalancerSourceRanges": _NETWORKS,
        "annotatoins": _SCALARS,
    },
)
_FIELDS: dict[str, Values] = {
    "count": _mostly(st.integers(0, 100), _INTEGERS, _FLOATS),
    "image": _mostly(
        _IMAGES, _words("nginx:1", "Nginx:1", "nginx:", "a//b", "n@1", "h:80:90/a"), _LONG, st.just("a/" + "b" * 510)
    ),
    "imagePullPolicy": _mostly(st.sampled_from(["Always", "IfNotPresent", "Never"]), _words("Always")),
    "imagePullSecrets": _SECRETS,
    "resources": _mostly(
        st.fixed_dictionaries(
            {}, optional={"requests": _AMOUNTS_BY_NAME, "limits": _AMOUNTS_BY_NAME, "claims": st.just([])}
        ),
    ),
    "containerPort": _mostly(_PORTS, _INTEGERS, _FLOATS),
    "service": _mostly(_SERVICE),
    "paused": _mostly(st.booleans()),
}
#: Specs as a user may send them.
SPECS: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=_FIELDS | {"servise": _SCALARS})
#: The same without fields that are not in the schema, at the top.
KNOWN_SPECS: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=_FIELDS)
#: Names of an Nginx.
NAMES: SearchStrategy[str] = st.one_of(
    *[st.just("web")] * 6, st.sampled_from(["a", "1a", "a.b", "a-", "a" * 50, "a" * 51, "a" * 63])
)
