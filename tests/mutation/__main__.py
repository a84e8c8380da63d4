"""`python -m tests.mutation`: put faults into files, and see whether parity sees them."""

from __future__ import annotations

import argparse
import itertools
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from attnbench.errors import AttnbenchError
from tests.converting import converted
from tests.mutation.clean import exported, recipes, subject, variant
from tests.mutation.faults import FILES, faults
from tests.mutation.results import FILE, keep, kept, key
from tests.mutation.subjects import SUBJECTS, recipe
from tests.mutation.table import table
from tests.mutation.trial import Bench, Result

UNITS = {"s": 1, "m": 60, "h": 3600}

Step = Callable[[], Result]


def campaign(runtime: str, folder: Path, most: int) -> Iterator[Step]:
    """The faults of one runtime that were not tried yet, a slice after the other by turns."""
    done = {(one.runtime, one.subject, one.fault) for one in kept()}
    subjects = SUBJECTS if most else ()
    return _turns(*(_faults(runtime, subject, folder, most, done) for subject in subjects))


def _faults(
    runtime: str, subject: str, folder: Path, most: int, done: set[tuple[str, str, str]]
) -> Iterator[Step]:
    place = folder / f"{subject}-{runtime}"
    place.mkdir()
    bench = Bench(converted(recipe(subject), runtime, place))
    assert bench.judged(), f"{subject} fails in {runtime} as it is"
    for fault in faults(bench.artifact, bench.module)[:most]:
        if (runtime, subject, fault.name) not in done:
            yield lambda fault=fault: bench.tried(fault, key(), subject)


def clean(runtime: str, folder: Path, count: int) -> Iterator[Step]:
    """The exports without a fault that were not judged yet."""
    done = {(one.subject, one.path) for one in kept() if one.runtime == runtime and not one.fault}
    for one in recipes(count):
        if (subject(one), variant(one)) not in done:
            yield lambda one=one: exported(runtime, one, folder)


def _turns(*all_of: Iterator[Step]) -> Iterator[Step]:
    for some in itertools.zip_longest(*all_of):
        yield from filter(None, some)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)([smh])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30m")
    return int(found[1]) * UNITS[found[2]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--runtime", choices=FILES, action="append", help="one of them; may repeat")
    parser.add_argument("--budget", type=_seconds, default=_seconds("24h"), help="such as 30m")
    parser.add_argument("--faults", type=int, default=10_000, help="of each slice and runtime")
    parser.add_argument("--clean", type=int, default=200, help="clean exports of each runtime")
    parser.add_argument("--table", action="store_true", help="print what is known, try nothing")
    return parser.parse_args()


def main() -> int:
    """Go on until all is tried or the time is up, then print the table."""
    given = _arguments()
    end = time.monotonic() + given.budget
    with tempfile.TemporaryDirectory(prefix="attnbench-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn of their own insides
        folder = Path(name)
        runtimes = given.runtime or FILES
        steps = [campaign(one, folder, given.faults) for one in runtimes]
        steps += [clean(one, folder, given.clean) for one in runtimes]
        for step in () if given.table else _turns(*steps):
            try:
                keep(step())
            except AttnbenchError as error:
                print(f"error: {error}", file=sys.stderr)
                return error.exit_code
            if time.monotonic() > end:
                break
    print(table(list(kept())))
    print(f"\nresults: {FILE}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
