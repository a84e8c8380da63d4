pytest_plugins = ["tests.failures", "tests.untested", "tests.emulation.machines"]
