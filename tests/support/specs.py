"""Hypothesis strategies for specs: valid ones, and ones that break a rule."""

from operator import or_
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Values = SearchStrategy[Any]
Fields = dict[str, Values]

#: Without surrogates, which UTF-8 cannot encode, and without what JSON escapes as a pair: YAML reads those differently.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF), max_size=12)
_FLOATS = st.sampled_from([0.0, 1.0, 2.5, -1.0, 1e3, 2.0**31, 1e22, 1e300])
_INTEGERS = st.sampled_from([-(2**63), -(2**31), -1, 0, 1, 2, 80, 65535, 65536, 2**31 - 1, 2**31, 2**63, 10**30])
_SCALARS = st.none() | st.booleans() | _INTEGERS | _FLOATS | _TEXT
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _of(*values: Any) -> Values:
    return st.sampled_from(values)


def _words(*words: str) -> Values:
    """Words, each with a newline behind it (which an unanchored pattern accepts), and any text."""
    return _of(*words) | _of(*words).map(lambda word: f"{word}\n") | _TEXT


def _object(good: Fields, odd: Fields) -> Values:
    """Valid fields, and one that is odd, of any type, or unknown."""
    wrong = [values.map(lambda value, name=name: {name: value}) for name, values in odd.items()]
    any_type = st.dictionaries(_of(*good), _ANYTHING, min_size=1, max_size=1)
    unknown = st.dictionaries(_of("nmae", "servise") | _TEXT, _SCALARS, min_size=1, max_size=1)
    return st.builds(or_, st.fixed_dictionaries({}, optional=good), st.one_of(*wrong, any_type, unknown))


_LONG = _of(50, 64, 253, 254, 512, 513).map(lambda length: "a" * length)
_PORTS = _of(1, 80, 8080, 30080, 32767, 65535, 80.0)

_REQUESTS = st.dictionaries(
    _of("cpu", "memory", "ephemeral-storage"),
    _of(0, 1, "1", "500m", "0.5", ".5", "1.", "100n", "+1", "1E0"),
    max_size=3,
)
_LIMITS = st.dictionaries(
    _of("cpu", "memory", "ephemeral-storage", "example.com/gpu"),
    _of(2, "2", "1Gi", "1e3", "1E"),
    max_size=3,
)
_AMOUNTS = _of(
    *(-1, 2.0, 0.5, 2**63, "-1", "1 Gi", "1gi", "1e100", "1e99", "1e-9", "", "m", "1_0", "٣", "9" * 33, "1Gi\n", "0.1m")
)
_ODD_AMOUNTS = st.one_of(
    st.dictionaries(_of("cpu", "example.com/gpu"), _AMOUNTS | _SCALARS, min_size=1, max_size=2),
    st.dictionaries(_words("cpus", "requests.cpu", "a//b", "hugepages-", "CPU"), _of("1", 1, None), min_size=1),
    st.dictionaries(
        _of("cpu", "hugepages-2Mi", "hugepages-0", "hugepages-1m", "requests.example.com/gpu", "kubernetes.io/a"),
        _of(0, 1, "2Mi", "3Mi", "0.0005", "0.0001"),
        min_size=1,
    ),
    _of(16, 17).map(lambda count: {f"example.com/r{number}": 1 for number in range(count)}),
)
_RESOURCES = _object(
    {"requests": _REQUESTS, "limits": _LIMITS},
    {"requests": _ODD_AMOUNTS | _LIMITS, "limits": _ODD_AMOUNTS | _REQUESTS},
)

_SECRETS = _of("registry-login", "a", "a.b", "0")
_ODD_SECRETS = st.one_of(
    st.lists(_object({"name": _SECRETS}, {"name": _words("a", "a-", "A") | _LONG}), max_size=3),
    st.lists(st.just({"name": "a"}) | st.just({}) | _SCALARS, max_size=3),
    _of(16, 17).map(lambda count: [{"name": f"s{number}"} for number in range(count)]),
)

_ANNOTATIONS = st.dictionaries(_of("tier", "example.com/tier", "Example.com/Tier"), _TEXT, max_size=2)
_ODD_ANNOTATIONS = st.one_of(
    st.dictionaries(
        st.just("service.beta.kubernetes.io/load-balancer-source-ranges"), _of("", "192.0.2.0/24, ::/0", "a")
    ),
    st.dictionaries(_words("tier", "a//b", "a b", "/a", "a/"), _TEXT | st.none(), min_size=1, max_size=2),
    st.dictionaries(st.just("tier"), _SCALARS | _of("x" * 4096, "x" * 4097)),
    _of(64, 65).map(lambda count: {f"a{number}": "" for number in range(count)}),
)
_LABELS = st.dictionaries(_of("tier", "example.com/tier", "app.kubernetes.io/part-of"), _of("", "a", "A.b_c-1"))
_ODD_LABELS = st.one_of(
    _SCALARS,
    st.dictionaries(_of("tier", "a b", "app.kubernetes.io/name", "proxy.example.com/a"), _of("a", "-a", "a b", None)),
    st.dictionaries(st.just("tier"), _SCALARS | _of("x" * 63, "x" * 64)),
)
_NETWORKS = st.lists(_of("192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32", "0.0.0.0/0"), max_size=3, unique=True)
_ODD_NETWORKS = st.one_of(
    st.lists(_words("192.0.2.0/24", "1.2.3/8", "192.0.2.0/33", "192.0.2.0/024", "1.2.3.4", "::/129"), max_size=3),
    st.lists(_of("192.0.2.1/24", "::ffff:192.0.2.0/120", "192.0.2.0/255.255.255.0", "fe80::%a/64"), max_size=2),
    st.lists(_SCALARS | st.just("192.0.2.0/24"), max_size=2),
)
_CLASSES = _of("a", "example.com/internal")
_POLICIES = _of("Cluster", "Local")
_ANY_TYPE: Fields = {
    "enabled": st.booleans(),
    "port": _PORTS,
    "annotations": _ANNOTATIONS,
    "labels": _LABELS,
    "ipFamilyPolicy": _of("SingleStack", "PreferDualStack", "RequireDualStack"),
    "ipFamilies": _of(["IPv4"], ["IPv6"]),
}
_NODE_PORT: Fields = {**_ANY_TYPE, "nodePort": _PORTS, "externalTrafficPolicy": _POLICIES}
_BALANCED: Fields = {**_NODE_PORT, "loadBalancerClass": _CLASSES, "loadBalancerSourceRanges": _NETWORKS}
_SERVICE = st.one_of(
    st.fixed_dictionaries({}, optional=_ANY_TYPE | {"type": st.just("ClusterIP")}),
    st.fixed_dictionaries({"type": _of("NodePort", "LoadBalancer")}, optional=_NODE_PORT),
    st.fixed_dictionaries({"type": st.just("LoadBalancer")}, optional=_BALANCED),
)
_ODD_SERVICE = _object(
    _BALANCED,
    {
        "type": _of("LoadBalancer", "NodePort") | _words("ExternalName", "NodePort"),
        "nodePort": _INTEGERS | _FLOATS,
        "annotations": _ODD_ANNOTATIONS,
        "labels": _ODD_LABELS,
        "externalTrafficPolicy": _words("Local"),
        "loadBalancerClass": _words("a/b/c", "a..b", "A/b", "a_b.c/d", "-a") | _LONG,
        "loadBalancerSourceRanges": _ODD_NETWORKS,
        "ipFamilyPolicy": _words("SingleStack", "DualStack"),
        "ipFamilies": st.lists(_of("IPv4", "IPv6", "ipv4", None), max_size=3),
    },
) | st.builds(
    lambda service, odd: {**service, "type": "LoadBalancer", **odd},
    _SERVICE,
    _of(
        {"annotations": {"a//b": ""}},
        {"loadBalancerClass": "a//b"},
        {"loadBalancerSourceRanges": ["192.0.2.0/33"]},
        {"type": "ClusterIP"},
        *(
            {"ipFamilyPolicy": policy, "ipFamilies": families}
            for policy in (None, "SingleStack", "PreferDualStack", "RequireDualStack")
            for families in (["IPv4", "IPv6"], ["IPv6", "IPv4"], ["IPv6", "IPv6"])
        ),
    ),
)

_TIMES: Fields = {"periodSeconds": _of(1, 5, 3600), "timeoutSeconds": _of(1, 5.0), "failureThreshold": _of(1, 1000)}
_HTTP = st.fixed_dictionaries({"path": _of("/", "/healthz?a=b", "/" + "a" * 1023)}, optional={"port": _PORTS})
_TCP = st.fixed_dictionaries({}, optional={"port": _PORTS})
_PROBES = st.fixed_dictionaries(
    {},
    optional={
        "readiness": st.fixed_dictionaries({}, optional=_TIMES | {"httpGet": _HTTP})
        | st.fixed_dictionaries({}, optional=_TIMES | {"tcpSocket": _TCP})
    },
)
_ODD_HTTP = st.one_of(
    _object(
        {"path": st.just("/"), "port": _PORTS},
        {"path": _words("/", "healthz", "/a b", "/\u00e9") | _of("/" + "a" * 1024), "port": _INTEGERS | _FLOATS},
    ),
    st.just({}),
)
_ODD_READINESS = _object(
    _TIMES,
    {
        "httpGet": _ODD_HTTP,
        "tcpSocket": _object({"port": _PORTS}, {"port": _INTEGERS | _FLOATS}),
        **dict.fromkeys(_TIMES, _INTEGERS | _FLOATS),
    },
) | st.builds(lambda http, tcp: {"httpGet": http, "tcpSocket": tcp}, _HTTP | st.none(), _TCP | st.none())
_ODD_PROBES = _object({"readiness": st.just({})}, {"readiness": _ODD_READINESS})

_GOOD: Fields = {
    "count": st.integers(0, 100),
    "image": _of("nginx:1", "nginx", "example.com:5000/a/b:1", "a@sha256:" + "0f" * 32, "nginx:latest"),
    "imagePullPolicy": _of("Always", "IfNotPresent", "Never"),
    "imagePullSecrets": st.lists(st.fixed_dictionaries({"name": _SECRETS}), max_size=2, unique_by=lambda s: s["name"]),
    "resources": st.fixed_dictionaries({}, optional={"requests": _REQUESTS}) | st.builds(dict, limits=_LIMITS),
    "containerPort": _PORTS,
    "service": _SERVICE,
    "deployment": st.fixed_dictionaries({}, optional={"labels": _LABELS, "annotations": _ANNOTATIONS}),
    "probes": _PROBES,
    "paused": st.booleans(),
}
_ODD: Fields = {
    "count": _INTEGERS | _FLOATS | _of(101, 2**31 - 1, 101.0),
    "image": _words("nginx:1", "Nginx:1", "nginx:", "a//b", "n@1", "h:80:90/a") | _LONG | _of("a/" + "b" * 510),
    "imagePullPolicy": _words("Always"),
    "imagePullSecrets": _ODD_SECRETS,
    "resources": _RESOURCES,
    "containerPort": _INTEGERS | _FLOATS,
    "service": _ODD_SERVICE,
    "deployment": _object({"labels": _LABELS}, {"labels": _ODD_LABELS, "annotations": _ODD_ANNOTATIONS}),
    "probes": _ODD_PROBES,
    "paused": _SCALARS,
}
#: Specs as a user may send them.
SPECS: SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({}, optional=_GOOD),
    _object(_GOOD, _ODD),
    st.builds(or_, st.fixed_dictionaries({}, optional=_GOOD), st.fixed_dictionaries({"resources": _RESOURCES})),
    st.builds(
        or_,
        st.fixed_dictionaries({}, optional=_GOOD),
        st.fixed_dictionaries({"service": _ODD_SERVICE}) | st.fixed_dictionaries({"probes": _ODD_PROBES}),
    ),
)
#: Names of an Nginx.
NAMES: SearchStrategy[str] = st.one_of(*[st.just("web")] * 9, _of("a", "1a", "a.b", "a-", "a" * 50, "a" * 51, "a" * 63))
