// The machine under the measurement: clock, processors, memory, and what disturbs them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json.h"

namespace attnbench {

std::int64_t now_ns();  // CLOCK_MONOTONIC

// "0,2-3" binds this thread; threads that it starts later inherit that.
void bind_to_cpus(std::string_view list);

// The processors that the kernel lets us use, ascending.
std::vector<int> allowed_cpus();

// The high-water mark of resident memory. Not getrusage: its ru_maxrss survives exec, and would
// report the size of whoever launched us.
std::int64_t peak_rss_bytes();

// What programs may still take, as the kernel estimates it.
std::optional<std::int64_t> available_memory_bytes();

// The caches before main memory, all that belong to the processors that we may use.
std::optional<std::int64_t> last_cache_bytes();

std::int64_t page_bytes();

// "glibc 2.36"; "" is another.
std::string c_library();

// Load average, current processor, frequencies and temperatures, null where unknown.
json::Value conditions();

}  // namespace attnbench
