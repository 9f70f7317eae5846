"""Two processes of the webhooks, as the chart's two replicas."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.support.product import Product, Program

PORTS = (19443, 19453)


@contextmanager
def pair(product: Product) -> Iterator[Sequence[Program]]:
    """Both are ready within the block, and end with exit code 0 after it."""
    programs = [product.webhooks(port=port, name=f"webhooks-{port}") for port in PORTS]
    try:
        for program in programs:
            program.wait_ready()
        yield programs
    finally:
        codes = [program.stop() for program in programs]
    assert codes == [0, 0], "\n".join(program.text() for program in programs)
