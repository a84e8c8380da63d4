"""The same on arm64, behind a real sshd and a real adbd; see docs/emulation.md."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile

import pytest

from attnbench.devices import settings
from attnbench.devices.readings import look
from attnbench.errors import BadOption, DeviceError
from attnbench.parity.inputs import standard_inputs
from attnbench.pipeline.localise import localise
from attnbench.pipeline.parity import Questions, ask, verify
from attnbench.pipeline.reference import reference_of
from attnbench.pipeline.reproduce import reproduce
from attnbench.records import Wanted
from attnbench.runner import Finished, Reads
from attnbench.runner.launch import failure
from tests.conformance.transport import TransportContract
from tests.devices.artifacts import BACKENDS, WHOLE, make
from tests.pipeline.damage import damaged

pytestmark = [pytest.mark.emulated, pytest.mark.slow]


def scratch_of(device) -> PurePosixPath:
    folder = device.root / "scratch"
    assert device.transport.run(["mkdir", "-p", str(folder)]).code == 0
    return folder


@pytest.fixture(scope="module")
def phone_scratch(phone):
    return scratch_of(phone)


class TestPhoneTransport(TransportContract):
    @pytest.fixture
    def transport(self, phone):
        return phone.transport

    @pytest.fixture
    def scratch(self, phone_scratch):
        return phone_scratch


@pytest.fixture(params=["pi", "phone"])
def device(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """MobileNetV2 with coordinate attention, by backend, and what is asked of it."""
    return make(tmp_path_factory.mktemp("whole"), WHOLE), Questions()


@pytest.mark.parametrize("backend", BACKENDS)
def test_parity_of_a_whole_model(device, whole, backend):
    artifacts, asked = whole
    artifact = artifacts[backend]
    assert verify(artifact, asked(artifact), device)


def test_a_changed_weight_is_found_in_its_block_and_shown_again(pi, artifacts, tmp_path):
    clean = artifacts["tflite"]
    few = tuple(one for one in clean.blocks if one.path in ("stem", "features.0", "features.1"))
    spoilt = damaged(replace(clean, blocks=few), "features.1.depthwise.conv", tmp_path)
    question = ask(reference_of(spoilt), spoilt)
    found = localise(spoilt, verify(spoilt, question, pi), question, pi, tmp_path)
    assert (found.block.path, found.confirmed, found.observer) == ("features.1", True, "same")
    assert not reproduce(Path(found.repro)).passed


def test_identity(pi, phone):
    for device in (pi, phone):
        who = device.identity()
        assert (who.emulated, who.machine) == (True, "aarch64")
        assert who.cpu == "qemu cortex-a76, Cortex-A76"
    assert phone.facts.android == "13"
    assert pi.facts.glibc == "glibc 2.36"


def test_a_locked_phone_tells_what_it_tells_anybody(phone):
    seen = look(phone.transport, full=True)
    assert seen.frequency_khz["7"] == 2841600
    assert seen.governor == "schedutil"
    assert seen.temperature_c is not None  # by dumpsys: its zones cannot be read
    assert None not in (seen.battery_percent, seen.charging, seen.screen_on, seen.throttled)


def test_a_pi_tells_all_but_what_it_has_not(pi):
    seen = look(pi.transport, full=True)
    assert (seen.temperature_c, seen.throttled, seen.governor) == (45.25, (), "ondemand")
    assert seen.battery_percent is None


def test_the_processors_of_a_phone_that_are_asked_for_are_kept_to(phone, artifacts):
    """By what the runner sees from inside: where it may be, and where it was in the end."""
    with phone.held():
        for cluster in phone.profile.clusters:
            said = json.loads(timed(phone, artifacts["tflite"], *cluster.cpus).stdout)
            assert tuple(said["cpus"]) == cluster.cpus
            assert said["after"]["cpu"] in cluster.cpus
            assert said["after"]["frequency_khz"] == {
                str(cpu): cluster.max_khz for cpu in cluster.cpus
            }
        assert json.loads(timed(phone, artifacts["tflite"]).stdout)["cpus"] == [7]  # its profile's
        error = failure("litert", "the model", timed(phone, artifacts["tflite"], 8))
    assert isinstance(error, BadOption)
    assert "cannot run on processors 8" in str(error)


def timed(device, artifact, *cpus: int) -> Finished:
    """One inference by the runner there, on these processors."""
    with NamedTemporaryFile() as source:
        (image,) = standard_inputs(artifact.inputs)["natural"]
        source.write(image.tobytes())
        source.flush()
        given = ["--input", Reads(Path(source.name)), "--warmup", "0", "--iterations", "1"]
        where = ["--cpus", ",".join(map(str, cpus))] if cpus else []
        command = ["time", "litert", Reads(Path(artifact.path)), *given, *where]
        return device.place("litert", command, 60)


def test_a_governor_is_set_and_put_back(pi):
    root = pi.root
    pi.transport.run(["mkdir", "-p", str(root)])
    for _ in range(2):  # the second time as after a lost connection: nothing is forgotten
        settings.hold(pi.transport, root, Wanted(governor="performance"), (0, 1, 2, 3))
        assert look(pi.transport, full=False).governor == "performance"
    settings.restore(pi.transport, root)
    assert look(pi.transport, full=False).governor == "ondemand"
    settings.restore(pi.transport, root)


def test_a_governor_that_may_not_be_set_stays(phone):
    phone.transport.run(["mkdir", "-p", str(phone.root)])
    settings.hold(phone.transport, phone.root, Wanted(governor="performance"), (7,))
    assert look(phone.transport, full=False).governor == "schedutil"
    settings.restore(phone.transport, phone.root)


def test_profile_says_that_times_mean_nothing(device):
    with pytest.raises(BadOption, match="is emulated"), device.watched():
        pass


def test_a_phone_without_glibc_says_so(phone):
    from attnbench.devices.facts import check_glibc

    with pytest.raises(DeviceError, match="not glibc"):
        check_glibc(phone.facts, "phone")
