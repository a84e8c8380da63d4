#include "system.h"

#include <sched.h>
#include <time.h>
#include <unistd.h>
#if defined(__GLIBC__)
#include <gnu/libc-version.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>

#include "failure.h"
#include "file.h"

namespace attnbench {
namespace {

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

int cpu_number(std::string_view text) {
  const auto value = number(text);
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  if (!digits || !value || *value >= CPU_SETSIZE)
    throw Failure(Stage::usage, "not a processor number: '" + std::string(text) + "'");
  return static_cast<int>(*value);
}

void add_range(cpu_set_t& set, std::string_view range) {
  const std::size_t dash = range.find('-');
  const int first = cpu_number(range.substr(0, dash));
  const int last = dash == std::string_view::npos ? first : cpu_number(range.substr(dash + 1));
  if (last < first) throw Failure(Stage::usage, "not a range of processors: " + std::string(range));
  for (int cpu = first; cpu <= last; ++cpu) CPU_SET(cpu, &set);
}

// Per allowed processor, in kHz.
json::Value frequencies() {
  json::Object result;
  bool any = false;
  for (const int cpu : allowed_cpus()) {
    const std::string name = std::to_string(cpu);
    const auto khz = number(first_line("/sys/devices/system/cpu/cpu" + name + "/cpufreq/scaling_cur_freq"));
    if (!khz) continue;
    result.set(name, *khz);
    any = true;
  }
  return any ? json::Value(result) : json::Value(nullptr);
}

// Per thermal zone ("thermal_zone0 cpu-thermal"; types alone need not be unique), in millidegrees C.
json::Value temperatures() {
  json::Object result;
  bool any = false;
  std::error_code ignored;
  for (const auto& zone : std::filesystem::directory_iterator("/sys/class/thermal", ignored)) {
    const auto millidegrees = number(first_line(zone.path() / "temp"));
    if (!millidegrees) continue;
    result.set(zone.path().filename().string() + " " + first_line(zone.path() / "type"), *millidegrees);
    any = true;
  }
  return any ? json::Value(result) : json::Value(nullptr);
}

// The value in kB of a line such as "VmHWM:  1234 kB", in bytes.
std::optional<std::int64_t> kilobytes(const std::string& file, std::string_view key) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    const std::size_t digits = line.find_first_of("0123456789");
    const auto value = digits == std::string::npos ? std::nullopt : number(std::string_view(line).substr(digits));
    return value ? std::optional(1024 * *value) : std::nullopt;
  }
  return std::nullopt;
}

// Of one folder `cache/indexN` of a processor: "512K".
std::optional<std::int64_t> cache_bytes(const std::filesystem::path& folder) {
  const std::string text = first_line(folder / "size");
  const auto value = number(text);
  if (!value) return std::nullopt;
  return *value << (text.ends_with('M') ? 20 : text.ends_with('K') ? 10 : 0);
}

json::Value load_average() {
  double minutes[1];
  return ::getloadavg(minutes, 1) == 1 ? json::Value(minutes[0]) : json::Value(nullptr);
}

}  // namespace

std::int64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void bind_to_cpus(std::string_view list) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t comma = std::min(list.find(',', start), list.size());
    add_range(set, list.substr(start, comma - start));
    start = comma + 1;
  }
  // The kernel drops, without a word, processors that are offline or not ours.
  if (::sched_setaffinity(0, sizeof set, &set) != 0 ||
      allowed_cpus().size() != static_cast<std::size_t>(CPU_COUNT(&set)))
    throw Failure(Stage::usage, "cannot run on processors " + std::string(list) + ": some are not there, or not ours");
}

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  return cpus;
}

std::int64_t peak_rss_bytes() {
  return kilobytes("/proc/self/status", "VmHWM:").value_or(0);
}

std::optional<std::int64_t> available_memory_bytes() { return kilobytes("/proc/meminfo", "MemAvailable:"); }

std::optional<std::int64_t> last_cache_bytes() {
  std::map<std::string, std::int64_t> sizes;  // by the processors that share it
  for (const int cpu : allowed_cpus()) {
    const std::filesystem::path folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache";
    std::int64_t highest = 0, size = 0;
    std::string shared;
    std::error_code ignored;
    for (const auto& one : std::filesystem::directory_iterator(folder, ignored)) {
      const auto level = number(first_line(one.path() / "level"));
      const auto bytes = cache_bytes(one.path());
      if (!level || !bytes || *level <= highest) continue;
      highest = *level;
      size = *bytes;
      shared = first_line(one.path() / "shared_cpu_list");
    }
    if (highest > 0) sizes[shared] = size;
  }
  std::int64_t total = 0;
  for (const auto& [shared, size] : sizes) total += size;
  return total > 0 ? std::optional(total) : std::nullopt;
}

std::int64_t page_bytes() { return ::sysconf(_SC_PAGESIZE); }

std::string c_library() {
#if defined(__GLIBC__)
  return std::string("glibc ") + ::gnu_get_libc_version();
#else
  return "";
#endif
}

json::Value conditions() {
  return json::Object{{"cpu", ::sched_getcpu()},
                      {"load_average", load_average()},
                      {"frequency_khz", frequencies()},
                      {"temperature_mc", temperatures()}};
}

}  // namespace attnbench
