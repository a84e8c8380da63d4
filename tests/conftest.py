pytest_plugins = ["tests.untested", "tests.emulation.machines"]
