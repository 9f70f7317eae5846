"""Differences of renderings tell what changed, and where."""

import pytest

from tests.support.differences import between

OPERATOR = """\
# Source: operator.yaml
kind: Deployment
metadata:
  name: operator
  namespace: system
spec:
  replicas: 1
  containers:
  - name: operator
    args:
      - run
      # The port.
      - --port=1
    image: a
  - name: sidecar
    image: b
"""
ROLE = """\
kind: ClusterRole
metadata:
  name: view
"""


def rendering(*documents: str) -> str:
    return "".join(f"---\n{document}" for document in documents)


def test_the_same_objects_do_not_differ() -> None:
    assert between(rendering(OPERATOR, ROLE), rendering(ROLE, OPERATOR)) == ""


def test_a_new_object_is_shown_in_full() -> None:
    assert between(rendering(OPERATOR), rendering(OPERATOR, ROLE)).splitlines() == [
        "diff ClusterRole view: new",
        "+kind: ClusterRole",
        "+metadata:",
        "+  name: view",
    ]


def test_a_deleted_object_is_named() -> None:
    assert between(rendering(OPERATOR, ROLE), rendering(ROLE)) == "diff Deployment system/operator: deleted\n"


@pytest.mark.parametrize(
    ("old", "new", "hunk"),
    [
        (
            "--port=1",
            "--port=2",
            """\
@@ spec > containers > - name: operator > args @@
       - run
       # The port.
-      - --port=1
+      - --port=2
     image: a
   - name: sidecar
""",
        ),
        (
            "    image: b\n",
            "",
            """\
@@ spec > containers > - name: sidecar @@
     image: a
   - name: sidecar
-    image: b
""",
        ),
        (
            "kind: Deployment\n",
            "kind: Deployment\nstatus: {}\n",
            """\
@@ . @@
 # Source: operator.yaml
 kind: Deployment
+status: {}
 metadata:
   name: operator
""",
        ),
    ],
    ids=["changed", "removed", "added"],
)
def test_a_change_is_shown_where_it_is(old: str, new: str, hunk: str) -> None:
    changed = OPERATOR.replace(old, new)

    assert between(rendering(OPERATOR), rendering(changed)) == f"diff Deployment system/operator\n{hunk}"
