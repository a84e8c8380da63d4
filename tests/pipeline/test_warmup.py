"""What is done with a launch once its own times say where warm-up ended."""

from attnbench.pipeline.warmup import settled
from attnbench.records import Launch, TensorSpec


def launch(warmup_ns, plain_ns):
    return Launch(
        engine="onnxruntime",
        version="1",
        libraries={},
        threads=1,
        cpus=(0,),
        load_ns=1,
        first_ns=1,
        warmup_ns=tuple(warmup_ns),
        plain_ns=tuple(plain_ns),
        traced_ns=(),
        peak_rss_bytes=1,
        inputs=(TensorSpec("float32", (1,)),),
        outputs=(),
    )


SLOW, USUAL = 1500, 1000


def test_what_is_still_warming_up_becomes_warm_up():
    found = settled(launch([SLOW] * 10, [SLOW] * 7 + [USUAL] * 43))
    assert (found.settled, len(found.warmup_ns), len(found.plain_ns)) == (True, 17, 43)
    assert set(found.plain_ns) == {USUAL}


def test_it_is_never_shorter_than_was_asked_for():
    asked = launch([SLOW] * 3 + [USUAL] * 7, [USUAL] * 50)
    found = settled(asked)
    assert (found.settled, found.warmup_ns, found.plain_ns) == (
        True,
        asked.warmup_ns,
        asked.plain_ns,
    )


def test_a_launch_that_does_not_settle_keeps_its_times():
    asked = launch([USUAL] * 10, [USUAL] * 30 + [SLOW] * 20)
    found = settled(asked)
    assert (found.settled, found.plain_ns) == (False, asked.plain_ns)


def test_few_times_are_not_judged():
    asked = launch([SLOW], [USUAL] * 3)
    assert settled(asked) == asked
    assert asked.settled is None
