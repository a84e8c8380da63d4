// Nanoseconds from profilers that count whole microseconds.
//
// XNNPACK (in LiteRT and ExecuTorch) and ONNX Runtime read clock_gettime and cut what they report to
// microseconds; small operators take less, and would all be 0. While a FineClock lives, this
// program's own clock_gettime, which the loader prefers to the C library's, runs kFineness times as
// fast for everybody: a reported microsecond then is a nanosecond. It lives around a traced
// inference only; nothing in there waits with a time-out.
#pragma once

#include <cstdint>

namespace attnbench {

constexpr std::int64_t kFineness = 1000;

class FineClock {
 public:
  explicit FineClock(bool wanted);
  ~FineClock();
  FineClock(const FineClock&) = delete;
  FineClock& operator=(const FineClock&) = delete;

 private:
  bool wanted_;
};

// What one reading of that clock takes, the shortest of many.
std::int64_t clock_read_ns();

}  // namespace attnbench
