// The timing loop: the one place that decides what counts as latency.
#pragma once

#include <cstdint>
#include <vector>

#include "counters.h"
#include "engine.h"

namespace attnbench {

// With `stagger_ns`, the period of a timer, iterations begin at different phases of it, so that its
// interrupts do not land in the same operators each time.
struct Schedule {
  int warmup;
  int iterations;
  std::int64_t stagger_ns = 0;
};

struct Times {
  std::int64_t first_ns = 0;
  std::vector<std::int64_t> warmup_ns;
  std::vector<std::int64_t> plain_ns;    // empty if nothing but a traced session ran
  std::vector<std::int64_t> traced_ns;   // empty if nothing was traced
  std::vector<std::int64_t> prepare_ns;  // before each of the plain (or only) session's timed runs
};

// Either session may be null. Given both, every timed iteration is one plain run and one traced run,
// so that whatever disturbs the machine disturbs both. `counters`, if any, count all timed iterations
// in one go, with what prepares them: the timed path must not know of it.
Times measure(Session* plain, Session* traced, Schedule schedule, const Counters* counters = nullptr);

}  // namespace attnbench
