"""Prints the table of docs/statistics.md: `python -m tests.stats.table`, about two minutes."""

from attnbench.records import Finding
from tests.stats.simulated import MACHINES
from tests.stats.test_paired import EFFECT, RULES, TRACES, alarms_of, findings


def row(name: str) -> str:
    """False alarms and true ones of our test and of each rule, on one machine."""
    machine = MACHINES[name]
    pairs = [
        tuple(findings(machine, slower).count(Finding.SLOWER) / TRACES for slower in (0.0, EFFECT)),
        *(
            tuple(alarms_of(rule, machine, slower, TRACES) for slower in (0.0, EFFECT))
            for rule in RULES.values()
        ),
    ]
    return f"| {name} | {' | '.join(f'{false:.1%} / {true:.1%}' for false, true in pairs)} |"


def main() -> None:
    print(f"| machine | this test | {' | '.join(RULES)} |")
    print(f"|{' --- |' * (2 + len(RULES))}")
    for name in MACHINES:
        print(row(name), flush=True)


if __name__ == "__main__":
    main()
