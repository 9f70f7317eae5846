"""`python -m bench.pages`: writes the pages; with `--pictures` draws the pictures too, which takes matplotlib."""

import argparse

from bench.pages import write_all

parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
parser.add_argument("--pictures", action="store_true", help="draw the pictures too, with matplotlib")
if parser.parse_args().pictures:
    from bench.picture import draw_all

    draw_all()
write_all()
