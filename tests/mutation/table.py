"""The results as Markdown: how many faults were caught and located, and which were not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.mutation.trial import VISIBLE, Result


def table(results: Sequence[Result]) -> str:
    """Everything that docs/parity.md says of them."""
    return "\n".join(_lines(results))


def _lines(results: Sequence[Result]) -> Iterator[str]:
    yield "| runtime | slice | faults | refused | visible | caught | located | invisible, caught |"
    yield "|---|---|---|---|---|---|---|---|"
    groups = sorted({(one.runtime, one.subject) for one in results if one.fault})
    for group in groups:
        of = [one for one in results if one.fault and (one.runtime, one.subject) == group]
        yield f"| {' | '.join((*group, *map(str, _counts(of))))} |"
    faults = [one for one in results if one.fault]
    yield f"| all | | {' | '.join(map(str, _counts(faults)))} |"
    clean = [one for one in results if not one.fault]
    exports = Counter(one.runtime for one in clean)
    yield f"\nclean exports: {len(clean)}, false alarms {sum(one.failed for one in clean)}"
    for runtime, count in sorted(exports.items()):
        nearest = max(one.moved for one in clean if one.runtime == runtime)
        yield f"- {runtime}: {count}, at most {nearest:.2g} of a limit"
    yield from _listed("false alarms", (one for one in clean if one.failed))
    yield from _listed("visible and not caught", (o for o in faults if o.visible and not o.failed))
    caught = [one for one in faults if one.visible and one.failed]
    yield from _listed("caught and not located", (one for one in caught if not one.located))
    hidden = [one for one in faults if not one.visible and not one.refused]
    kinds = Counter(one.kind for one in hidden)
    yield f"\ninvisible, at most {VISIBLE:g} limits: {dict(kinds.most_common())}"
    yield from _listed("invisible", hidden)


def _counts(of: Sequence[Result]) -> tuple[int, ...]:
    visible = [one for one in of if one.visible]
    caught = [one for one in visible if one.failed]
    hidden = [one for one in of if not one.visible and not one.refused]
    return (
        len(of),
        sum(bool(one.refused) for one in of),
        len(visible),
        len(caught),
        sum(one.located for one in caught),
        sum(one.failed for one in hidden),
    )


def _listed(what: str, results: Iterator[Result] | Sequence[Result]) -> Iterator[str]:
    found = list(results)
    yield f"\n{what}: {len(found)}"
    for one in found:
        what = one.fault or one.path
        where = "" if one.found is None else f", found {one.found}"
        yield f"- {one.runtime} {one.subject}: {what} ({one.moved:.3g} limits{where})"
