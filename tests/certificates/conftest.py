"""Two processes of the webhooks on a real control plane, once for each mode of certificates."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from testbed import Bed
from tests.support.beds import bed_of_a_level
from tests.support.product import Product, Program
from tests.support.traffic import Traffic

PORTS = (19443, 19453)
#: Shows a figure that was measured, in spite of pytest.
Report = Callable[[str], None]


@pytest.fixture(scope="package")
def control_plane(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A real control plane. Nothing runs in it but what a test starts."""
    with bed_of_a_level(request, "test-certs", "control-plane") as bed:
        yield bed


@pytest.fixture(scope="module")
def product(control_plane: Bed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Not installed yet: each mode has values of its own."""
    product = Product(control_plane, tmp_path_factory.mktemp("product"))
    yield product
    product.unroute()
    product.uninstall()


@contextmanager
def pair(product: Product) -> Iterator[Sequence[Program]]:
    """Two ready processes of the webhooks."""
    programs = [product.webhooks(port=port, name=f"webhooks-{port}") for port in PORTS]
    try:
        for program in programs:
            program.wait_ready()
        yield programs
    finally:
        codes = [program.stop() for program in programs]
    assert codes == [0, 0], "\n".join(program.text() for program in programs)


@pytest.fixture
def traffic(product: Product) -> Traffic:
    """Admissions and handshakes, to be run beside what a test does."""
    return Traffic(product.bed, PORTS)


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Nothing is asserted about what it shows: machines differ."""

    def show(figure: str) -> None:
        with capsys.disabled():
            sys.stderr.write(f"\n  {figure}\n")

    return show
