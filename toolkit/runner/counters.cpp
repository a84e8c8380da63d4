#include "counters.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "file.h"

namespace attnbench {
namespace {

struct Kind {
  std::string_view name;
  std::uint32_t type;
  std::uint64_t config;
};

constexpr std::uint64_t cache(std::uint64_t level, std::uint64_t operation, std::uint64_t result) {
  return level | operation << 8 | result << 16;
}

// Not the kernel's generic cache misses: those are of the last level, the second or the first, depending on who
// made the processor.
constexpr Kind kKinds[] = {
    {"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    {"llc_read_misses", PERF_TYPE_HW_CACHE,
     cache(PERF_COUNT_HW_CACHE_LL, PERF_COUNT_HW_CACHE_OP_READ, PERF_COUNT_HW_CACHE_RESULT_MISS)},
    {"branch_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES}};

struct Reading {
  std::uint64_t count, enabled_ns, running_ns;
};

int open_counter(const Kind& kind) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = kind.type;
  attributes.config = kind.config;
  attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
  attributes.disabled = 1;
  attributes.inherit = 1;
  attributes.exclude_kernel = 1;
  attributes.exclude_hv = 1;
  constexpr int kThisThread = 0, kAnyCpu = -1, kNoGroup = -1;
  return static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, kThisThread, kAnyCpu, kNoGroup, PERF_FLAG_FD_CLOEXEC));
}

std::string reason(int error) {
  switch (error) {
    case EACCES:
    case EPERM: {
      const std::string level = first_line("/proc/sys/kernel/perf_event_paranoid");
      return "the kernel does not allow it, perf_event_paranoid is " + (level.empty() ? "unreadable" : level);
    }
    case ENOENT:
    case ENODEV:
    case EOPNOTSUPP: return "this machine offers no such counter";
    case ENOSYS: return "the kernel is built without performance counters";
    default: return std::strerror(error);
  }
}

// Why a reading is no count. A counter that took turns with others, or was left behind on another kind of processor,
// counted for less than the whole time; one that never moved does not count.
std::string doubt(const Reading& reading) {
  if (reading.running_ns < reading.enabled_ns) return "it counted for a part of the time only";
  if (reading.count == 0) return "it stayed at zero";
  return "";
}

}  // namespace

Counters::Counters() {
  for (const Kind& kind : kKinds) {
    const int descriptor = open_counter(kind);
    counters_.push_back({kind.name, descriptor, descriptor < 0 ? reason(errno) : ""});
  }
}

void Counters::start() const {
  for (const Counter& counter : counters_) ::ioctl(counter.descriptor, PERF_EVENT_IOC_ENABLE, 0);
}

void Counters::stop() const {
  for (const Counter& counter : counters_) ::ioctl(counter.descriptor, PERF_EVENT_IOC_DISABLE, 0);
}

json::Value Counters::read() const {
  json::Object counts, unknown;
  for (const Counter& counter : counters_) {
    std::string why = counter.unknown;
    Reading reading{};
    if (why.empty()) {
      const bool whole = ::read(counter.descriptor, &reading, sizeof reading) == sizeof reading;
      why = whole ? doubt(reading) : reason(errno);
    }
    if (why.empty()) counts.set(counter.name, reading.count);
    else unknown.set(counter.name, why);
  }
  return json::Object{{"counts", counts}, {"unknown", unknown}};
}

}  // namespace attnbench
