"""Manifests of an Nginx whose spec is right, and what is wrong around it, with the beginning of what `lint` says."""

from typing import Final

API: Final = "apiVersion: proxy.example.com/v1alpha1\n"
META: Final = "metadata: {name: web}\n"
HEAD: Final = f"{API}kind: Nginx\n{META}"


def with_metadata(more: str) -> str:
    """A manifest with more metadata than its name."""
    return HEAD.replace("{name: web}", f"{{name: web, {more}}}")


#: What the API server refuses, and the line of `lint` without its file.
REFUSED: Final = [
    (f"{HEAD}spec:\ncount: 3\n", "5: count: unknown field; did you mean spec.count?"),
    (f"{HEAD}replicas: 3\n", "4: replicas: unknown field; did you mean spec.count?"),
    (f"{HEAD}spec: {{replicas: 3}}\n", "4: spec.replicas: unknown field; did you mean count?"),
    (f"{HEAD}specs: {{count: 3}}\n", "4: specs: unknown field; did you mean spec?"),
    (f"{HEAD}imag: a\n", "4: imag: unknown field; did you mean spec.image?"),
    (f"{HEAD}xyz: {{}}\n", "4: xyz: unknown field; the fields here are apiVersion, kind, metadata, spec, status"),
    (with_metadata("lables: {}"), "3: metadata.lables: unknown field; did you mean labels?"),
    (with_metadata("labels: {a: 1}"), "3: metadata.labels.a: 1 must be a string; put it in quotes"),
    (with_metadata("labels: {a: true}"), "3: metadata.labels.a: true must be a string; put it in quotes"),
    (with_metadata("labels: {a: a b}"), '3: metadata.labels.a: "a b" is not a valid label value'),
    (with_metadata("labels: {a b: a}"), '3: metadata.labels."a b": is not a valid key'),
    (with_metadata("labels: [a]"), "3: metadata.labels: a list must be a mapping"),
    (with_metadata("annotations: {a: 1}"), "3: metadata.annotations.a: 1 must be a string"),
    (with_metadata(f"annotations: {{a: {'a' * 262144}}}"), "3: metadata.annotations: have 262145 bytes in all"),
    (with_metadata("namespace: Shop"), '3: metadata.namespace: "Shop" is not the name of a namespace'),
    (with_metadata("finalizers: [a b]"), "3: metadata.finalizers: a list must be a list of [prefix/]name"),
    (HEAD.replace("{name: web}", "web"), '3: metadata: "web" must be a mapping'),
    (f"{API}kind: Nginx\n", "1: metadata.name: is required"),
    (f"apiversion: a\nkind: Nginx\n{META}", "1: apiversion: unknown field; did you mean apiVersion?"),
    (f"kind: Nginx\n{META}", "1: apiVersion: is required: proxy.example.com/v1alpha1"),
    (f"apiVersion: apps/v1\nkind: Nginx\n{META}", "1: apiVersion: apps/v1; must be proxy.example.com/v1alpha1"),
    (f"apiVersion: v1\nkind: Nginx\n{META}", "1: apiVersion: v1; must be proxy.example.com/v1alpha1"),
    (f"{API}{META}", "1: kind: nothing; must be Nginx"),
]
#: What it takes.
TAKEN: Final = [
    with_metadata("labels: {app.kubernetes.io/part-of: shop, empty: ''}, annotations: {A.b/C: 'x y'}"),
    with_metadata("generation: 7, selfLink: a"),
    with_metadata("finalizers: [example.com/x]"),
    f"{HEAD}status: {{}}\n",
]
