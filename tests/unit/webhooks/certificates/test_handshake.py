"""What a TLS client says of certificates that somebody else has made."""

from datetime import timedelta

import pytest

from nginx_webhooks.certificates.handshake import verification_error
from tests.support.webhooks.certificates import KeyPair, make

NAME = "hooks.system.svc"
ROOT = make("root", ca=True)
MIDDLE = make("middle", ROOT, ca=True)
LEAF = make("leaf", ROOT, names=[NAME])
OLD = make("old", ROOT, names=[NAME], start=timedelta(days=-2))
ALONE = make("alone", names=[NAME])


@pytest.mark.parametrize(
    ("bundle", "chain", "leaf"),
    [
        (ROOT.pem, b"", LEAF),
        (make("other", ca=True).pem + ROOT.pem, b"", LEAF),
        (ROOT.pem, MIDDLE.pem, make("leaf", MIDDLE, names=["x.example", NAME])),
        (MIDDLE.pem, b"", make("leaf", MIDDLE, names=[NAME])),
        (ALONE.pem, b"", ALONE),
    ],
    ids=["root", "one of two", "by an intermediate", "trusted intermediate", "self-signed"],
)
def test_what_an_api_server_accepts_is_accepted(bundle: bytes, chain: bytes, leaf: KeyPair) -> None:
    assert verification_error(bundle, leaf.pem + chain, leaf.key_pem, NAME) == ""


@pytest.mark.parametrize(
    ("bundle", "leaf", "key", "words"),
    [
        (ROOT.pem, make("leaf", ROOT, names=["other.example"]), None, "not valid for 'hooks.system.svc'"),
        (ROOT.pem, make(NAME, ROOT), None, "not valid for 'hooks.system.svc'"),
        (ROOT.pem, OLD, None, "certificate has expired"),
        (make("root", ca=True).pem, LEAF, None, "signature"),
        (make("other", ca=True).pem, LEAF, None, "unable to get local issuer certificate"),
        (ROOT.pem, make("leaf", MIDDLE, names=[NAME]), None, "unable to get local issuer certificate"),
        (ROOT.pem, LEAF, OLD.key_pem, "do not belong together"),
        (b"", LEAF, None, "no trusted certificate"),
        (b"\xff", LEAF, None, "no trusted certificate"),
    ],
)
def test_what_it_refuses_is_refused_with_the_reason(
    bundle: bytes, leaf: KeyPair, key: bytes | None, words: str
) -> None:
    assert words in verification_error(bundle, leaf.pem, key or leaf.key_pem, NAME)
