#include "peaks.h"

#include <algorithm>
#include <barrier>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "failure.h"
#include "kernels.h"
#include "system.h"

namespace attnbench {
namespace {

// Long enough that starting the threads does not count, short enough not to heat a phone.
constexpr std::int64_t kRepeatNs = 50'000'000;

// STREAM asks for arrays of four times the last cache; where that is unknown, it is no larger than 16 MiB.
constexpr std::int64_t kCaches = 4, kUsualCacheBytes = 16 << 20;
constexpr int kArrays = 3;
// The whole of them may take this part of the memory that is free.
constexpr std::int64_t kFreePart = 2;

using Work = std::function<void(int thread)>;

// All threads do the work once a repeat, from a common start; returns the wall time of each repeat.
std::vector<std::int64_t> repeat(int repeats, const std::vector<int>& cpus, const Work& work) {
  std::vector<std::int64_t> times;
  std::int64_t start = 0;
  bool begun = false;
  std::barrier gate(static_cast<std::ptrdiff_t>(cpus.size()), [&]() noexcept {
    const std::int64_t now = now_ns();
    if (begun) times.push_back(now - start);
    begun = true;
    start = now;
  });
  times.reserve(static_cast<std::size_t>(repeats));

  std::mutex lock;
  std::exception_ptr failure;
  const auto run = [&](int thread) {
    try {
      bind_to_cpus(std::to_string(cpus[static_cast<std::size_t>(thread)]));
      work(thread);  // the first time fetches pages and wakes the processor, and does not count
    } catch (...) {
      const std::lock_guard guard(lock);
      failure = std::current_exception();
    }
    for (int i = 0; i < repeats; ++i) {
      gate.arrive_and_wait();
      work(thread);
    }
    gate.arrive_and_wait();
  };
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < static_cast<int>(cpus.size()); ++thread) threads.emplace_back(run, thread);
  threads.clear();  // waits for all of them
  if (failure) std::rethrow_exception(failure);
  return times;
}

// Blocks of the kernel that take about kRepeatNs here.
std::int64_t blocks_for(const MultiplyAdd& kernel, float one) {
  std::int64_t fastest = kRepeatNs;
  for (int i = 0; i < 5; ++i) {
    const std::int64_t start = now_ns();
    static_cast<void>(kernel.run(one));
    fastest = std::min(fastest, now_ns() - start);
  }
  return std::max<std::int64_t>(1, kRepeatNs / std::max<std::int64_t>(1, fastest));
}

json::Object compute(int repeats, const std::vector<int>& cpus) {
  const MultiplyAdd& kernel = multiply_add();
  volatile float unknown = 1;
  const float one = unknown;
  const std::int64_t blocks = blocks_for(kernel, one);
  std::vector<char> wrong(cpus.size());
  const auto times = repeat(repeats, cpus, [&](int thread) {
    for (std::int64_t i = 0; i < blocks; ++i)
      if (kernel.run(one) != kernel.expected()) wrong[static_cast<std::size_t>(thread)] = 1;
  });
  if (std::ranges::count(wrong, 0) != std::ssize(wrong))
    throw Failure(Stage::run, "this processor multiplies and adds wrongly: " + std::string(kernel.simd));
  return {{"simd", kernel.simd},
          {"lanes", kernel.lanes},
          {"chains", kernel.chains},
          {"flop", kernel.flop() * blocks * std::ssize(cpus)},
          {"ns", times}};
}

// Bytes of one array, over all threads.
std::int64_t array_bytes(std::optional<std::int64_t> cache_bytes) {
  const std::int64_t wanted = kCaches * std::max(kUsualCacheBytes, cache_bytes.value_or(0));
  const std::int64_t allowed = available_memory_bytes().value_or(kArrays * kFreePart * wanted) / kFreePart;
  if (kArrays * wanted > allowed)
    throw Failure(Stage::run, "arrays of " + std::to_string(wanted >> 20) + " MiB, four times the last cache, need " +
                                  std::to_string((kArrays * wanted) >> 20) + " MiB of memory, of which " +
                                  std::to_string(allowed >> 20) + " MiB may be taken");
  return wanted;
}

class Arrays {
 public:
  Arrays(std::int64_t bytes, std::size_t threads)
      : part_(static_cast<std::size_t>(bytes) / sizeof(float) / threads / 4 * 4),
        sum_(new float[part_ * threads]),
        first_(new float[part_ * threads]),
        second_(new float[part_ * threads]),
        threads_(threads) {}

  std::int64_t bytes() const { return static_cast<std::int64_t>(part_ * threads_ * sizeof(float)); }
  // By the thread that will use it: memory may be nearer to some processors than to others.
  void fill(int thread) {
    std::ranges::fill(part(first_, thread), 1.0F);
    std::ranges::fill(part(second_, thread), 2.0F);
    std::ranges::fill(part(sum_, thread), 0.0F);
  }
  void copy(int thread) { attnbench::copy(part(sum_, thread), part(first_, thread)); }
  void triad(int thread) { attnbench::triad(part(sum_, thread), part(first_, thread), part(second_, thread), 3); }
  bool holds(float value) const {
    return std::ranges::all_of(std::span(sum_.get(), part_ * threads_), [&](float found) { return found == value; });
  }

 private:
  std::span<float> part(const std::unique_ptr<float[]>& array, int thread) const {
    return {array.get() + part_ * static_cast<std::size_t>(thread), part_};
  }

  std::size_t part_;
  std::unique_ptr<float[]> sum_, first_, second_;
  std::size_t threads_;
};

// How often each array passes through the processor: a copy is counted as two, a triad as three.
json::Object transport(Arrays& arrays, int repeats, const std::vector<int>& cpus, std::int64_t passes, float result,
                       void (Arrays::*kernel)(int)) {
  const auto times = repeat(repeats, cpus, [&](int thread) { (arrays.*kernel)(thread); });
  if (!arrays.holds(result)) throw Failure(Stage::run, "memory does not hold what was written to it");
  return {{"bytes", passes * arrays.bytes()}, {"ns", times}};
}

}  // namespace

json::Object peaks(const Options& options) {
  std::vector<int> cpus = allowed_cpus();
  cpus.resize(static_cast<std::size_t>(options.open.threads));
  const auto cache_bytes = last_cache_bytes();
  const json::Value before = conditions();
  const json::Object multiply_adds = compute(options.iterations, cpus);
  const std::int64_t wanted = options.array_kib > 0 ? std::int64_t{options.array_kib} << 10 : array_bytes(cache_bytes);
  Arrays arrays(wanted, cpus.size());
  repeat(0, cpus, [&](int thread) { arrays.fill(thread); });
  const json::Object copies = transport(arrays, options.iterations, cpus, 2, 1, &Arrays::copy);
  const json::Object triads = transport(arrays, options.iterations, cpus, 3, 7, &Arrays::triad);
  return {{"status", "ok"},
          {"cpus", cpus},
          {"last_cache_bytes", cache_bytes},
          {"array_bytes", arrays.bytes()},
          {"multiply_add", multiply_adds},
          {"copy", copies},
          {"triad", triads},
          {"before", before},
          {"after", conditions()}};
}

}  // namespace attnbench
