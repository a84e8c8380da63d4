// The events of LiteRT's profiler, as a Trace.
#pragma once

#include <cstddef>
#include <span>

#include "../trace.h"
#include "litert_api.h"

namespace attnbench::litert {

// Events come in the order in which they began, the operators of a delegate without a start time.
// Throws Failure unless they are those of `runs` inferences.
Trace read_events(std::span<const ProfilerEvent> events, std::size_t runs);

}  // namespace attnbench::litert
