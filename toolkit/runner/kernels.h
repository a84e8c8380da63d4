// What the processor does at its best: multiply-adds from registers, and traffic with main memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace attnbench {

// Rounds of one call of a multiply-add kernel: sums of ones stay exact, and so can be checked.
constexpr std::int64_t kRounds = 1 << 18;

// One way to multiply and add: `chains` vectors of `lanes` floats each, none of which waits for another.
struct MultiplyAdd {
  std::string_view simd;
  int lanes;
  int chains;
  // Multiplies and adds `one` in every chain, kRounds times; returns what that came to, lane 0 of all.
  float (*run)(float one);

  std::int64_t flop() const { return 2 * kRounds * chains * lanes; }
  float expected() const { return static_cast<float>(kRounds) * static_cast<float>(chains); }
};

// The widest that this processor has.
const MultiplyAdd& multiply_add();

// As STREAM names and counts them: to = from; and sum = first + factor * second.
void copy(std::span<float> to, std::span<const float> from);
void triad(std::span<float> sum, std::span<const float> first, std::span<const float> second, float factor);

}  // namespace attnbench
