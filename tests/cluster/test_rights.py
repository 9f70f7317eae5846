"""Least privilege of the webhooks, from the audit log. The operator's is shown where it runs alone."""

from tests.support.namespaces import Namespace
from tests.support.product import NAMESPACE, RELEASE, Product
from tests.support.rights import granted, used


def test_the_webhooks_use_each_of_their_rights_and_no_other(running: Product, namespace: Namespace) -> None:
    namespace.apply({"count": 1})  # admission works, so certificates have been made and published
    account = f"{RELEASE}-webhooks"
    done, may = used(running.bed, NAMESPACE, account), granted(running.bed, NAMESPACE, account)
    assert not done.forbidden
    assert done.allowed == may
