"""
Parsers against golden texts, each named after where its format comes from.

Thermal zones and cpufreq: Linux's Documentation/driver-api/thermal/sysfs-api.rst and
admin-guide/pm/cpufreq.rst. vcgencmd: raspberrypi.com/documentation/computers/os.html. dumpsys:
ThermalManagerService.java, BatteryService.java and PowerManagerService.java of AOSP, Android 10-13.
"""

from __future__ import annotations

import pytest

from attnbench.devices.local import LocalTransport
from attnbench.devices.readings import (
    LOOK,
    from_runner,
    hal_temperature,
    look,
    parse,
    status,
    vcgencmd,
    zone_temperature,
)
from attnbench.devices.shell import script
from attnbench.records import Reading

PI_5 = """\
== thermal
54300 cpu-thermal
51200 rp1_adc
== cpufreq
0 2400000 performance
1 2400000 performance
2 1500000 performance
3 2400000 performance
== cpuset
/
== load
0.52 0.58 0.59 1/389 12345
== throttled
throttled=0x50005
"""

THERMALSERVICE_ANDROID_10 = """\
IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 1
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 1
Thermal Status: 0
Cached temperatures:
\tTemperature{mValue=-99.9, mType=6, mName=TYPE_C, mStatus=0}
\tTemperature{mValue=25.1, mType=2, mName=battery, mStatus=0}
\tTemperature{mValue=99.0, mType=0, mName=CPU0, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{mValue=30.8, mType=0, mName=cpu-0-0-usr, mStatus=0}
\tTemperature{mValue=33.2, mType=0, mName=cpu-1-7-usr, mStatus=0}
\tTemperature{mValue=NaN, mType=0, mName=cpu-1-3-usr, mStatus=0}
\tTemperature{mValue=45.0, mType=1, mName=gpuss-0-usr, mStatus=0}
\tTemperature{mValue=27.5, mType=2, mName=battery, mStatus=0}
\tTemperature{mValue=29.9, mType=3, mName=fps-therm-adc, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-0}
"""

BATTERY_ANDROID_11 = """\
Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 2377000
  status: 2
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4264
  temperature: 275
  technology: Li-ion
"""

POWER_ANDROID_11 = """\
POWER MANAGER (dumpsys power)

Power Manager State:
  mDirty=0x0
  mWakefulness=Dozing
  mWakefulnessChanging=false
  mIsPowered=true
"""

PHONE = f"""\
== thermal
== cpufreq
0 1785600 schedutil
7 825600 performance
== cpuset
/
== load
== throttled
== battery
{BATTERY_ANDROID_11}
== thermalservice
{THERMALSERVICE_ANDROID_10}
== power
{POWER_ANDROID_11}
"""


def test_a_raspberry_pi():
    assert parse(PI_5) == Reading(
        temperature_c=54.3,
        frequency_khz={"0": 2400000, "1": 2400000, "2": 1500000, "3": 2400000},
        governor="performance",
        cpuset="/",
        throttled=(
            "under-voltage",
            "throttled",
            "under-voltage has occurred",
            "throttling has occurred",
        ),
        load=0.52,
    )


def test_a_phone_that_shows_no_zones():
    assert parse(PHONE) == Reading(
        temperature_c=33.2,
        frequency_khz={"0": 1785600, "7": 825600},
        governor="performance, schedutil",
        cpuset="/",
        throttled=(),
        battery_percent=87.0,
        charging=True,
        screen_on=False,
    )


@pytest.mark.parametrize("text", ["", "== thermal\n", "== load\nx\n", "nonsense", "== battery\n"])
def test_what_cannot_be_read_is_unknown(text):
    assert parse(text) == Reading()


@pytest.mark.parametrize(
    ("lines", "celsius"),
    [
        ("45250 cpu-thermal", 45.25),
        ("31000 cpu-0-0-usr\n32000 cpu-1-3-usr\n99000 battery", 32.0),
        ("38 cpu_thermal", 38.0),
        ("61000 x86_pkg_temp\n27800 acpitz", 61.0),
        ("44000 soc-thermal", 44.0),
        ("-273200 cpu-thermal\n40000 cpu-thermal", 40.0),
        ("27000 battery", None),
        ("x cpu-thermal", None),
        (" cpu-thermal", None),
        ("", None),
    ],
)
def test_the_hottest_zone_of_the_processor(lines, celsius):
    assert zone_temperature(lines) == celsius


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("throttled=0x0", ()),
        ("throttled=0x8\n", ("soft temperature limit",)),
        ("throttled=0xe0000", None),
        ("error=1", None),
        ("VCHI initialization failed", None),
    ],
)
def test_throttle_bits(text, bits):
    if text == "throttled=0xe0000":
        assert len(vcgencmd(text)) == 3
    else:
        assert vcgencmd(text) == bits


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Thermal Status: 0", ()),
        ("Thermal Status: 3", ("thermal status severe",)),
        ("Thermal Status: 9", ("thermal status 9",)),
        ("Permission Denial: can't dump", None),
    ],
)
def test_androids_thermal_status(line, said):
    assert status(line) == said


def test_without_a_connection_to_the_sensors_the_cached_values_are_taken():
    cached = THERMALSERVICE_ANDROID_10.partition("HAL Ready")[0]
    assert hal_temperature(cached) == 99.0
    assert hal_temperature("") is None


def test_what_the_runner_saw():
    document = (
        b'{"status":"ok","after":{"cpu":2,"load_average":0.5,"frequency_khz":{"2":2400000},'
        b'"temperature_mc":{"thermal_zone0 cpu-thermal":61500,"thermal_zone1 battery":30000}}}'
    )
    assert from_runner(document) == Reading(
        temperature_c=61.5, frequency_khz={"2": 2400000}, load=0.5, cpu=2
    )


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"after": 1}', b'{"after": {}}'])
def test_a_runner_that_saw_nothing(document):
    assert from_runner(document) is None


def test_null_is_unknown():
    document = b'{"after":{"load_average":null,"frequency_khz":null,"temperature_mc":null}}'
    assert from_runner(document) == Reading()


@pytest.mark.parametrize("full", [True, False])
def test_this_machine_can_be_looked_at(full):
    reading = look(LocalTransport(), full=full)
    assert reading.load is not None
    assert reading.battery_percent is None


def test_the_script_complains_of_nothing():
    assert script(LocalTransport(), LOOK, "full").stderr == ""
