#include "kernels.h"

#include <cstring>
#include <utility>

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__x86_64__)
#include <immintrin.h>
#endif

namespace attnbench {
namespace {

// In each kernel the chains are a pack, so that every one is a register and no loop is left over
// them. A processor that starts two or four such instructions a cycle, each of which takes four,
// needs 8 or 16 of them: 16 of 32 registers will do, or 12 where there are but 16. The compiler may
// not know that `one` is 1, or it would compute the sums itself.
#if defined(__aarch64__)

template <std::size_t... chain>
float neon(float one, std::index_sequence<chain...>) {
  const float32x4_t factor = vdupq_n_f32(one);
  float32x4_t sums[] = {vdupq_n_f32(static_cast<float>(chain))...};
  for (std::int64_t round = 0; round < kRounds; ++round)
    ((sums[chain] = vfmaq_f32(sums[chain], factor, factor)), ...);
  return ((vgetq_lane_f32(sums[chain], 0) - static_cast<float>(chain)) + ...);
}

constexpr MultiplyAdd kNeon{"neon", 4, 16, [](float one) { return neon(one, std::make_index_sequence<16>()); }};

#elif defined(__x86_64__)

template <std::size_t... chain>
[[gnu::target("avx512f")]] float avx512(float one, std::index_sequence<chain...>) {
  const __m512 factor = _mm512_set1_ps(one);
  __m512 sums[] = {_mm512_set1_ps(static_cast<float>(chain))...};
  for (std::int64_t round = 0; round < kRounds; ++round)
    ((sums[chain] = _mm512_fmadd_ps(factor, factor, sums[chain])), ...);
  return ((_mm512_cvtss_f32(sums[chain]) - static_cast<float>(chain)) + ...);
}

template <std::size_t... chain>
[[gnu::target("avx,fma")]] float avx(float one, std::index_sequence<chain...>) {
  const __m256 factor = _mm256_set1_ps(one);
  __m256 sums[] = {_mm256_set1_ps(static_cast<float>(chain))...};
  for (std::int64_t round = 0; round < kRounds; ++round)
    ((sums[chain] = _mm256_fmadd_ps(factor, factor, sums[chain])), ...);
  return ((_mm256_cvtss_f32(sums[chain]) - static_cast<float>(chain)) + ...);
}

template <std::size_t... chain>
float sse(float one, std::index_sequence<chain...>) {
  const __m128 factor = _mm_set1_ps(one);
  __m128 sums[] = {_mm_set1_ps(static_cast<float>(chain))...};
  for (std::int64_t round = 0; round < kRounds; ++round)
    ((sums[chain] = _mm_add_ps(_mm_mul_ps(sums[chain], factor), factor)), ...);
  return ((_mm_cvtss_f32(sums[chain]) - static_cast<float>(chain)) + ...);
}

constexpr MultiplyAdd kAvx512{"avx512", 16, 16, [](float one) { return avx512(one, std::make_index_sequence<16>()); }};
constexpr MultiplyAdd kAvx{"avx", 8, 12, [](float one) { return avx(one, std::make_index_sequence<12>()); }};
constexpr MultiplyAdd kSse{"sse", 4, 12, [](float one) { return sse(one, std::make_index_sequence<12>()); }};

#endif

}  // namespace

const MultiplyAdd& multiply_add() {
#if defined(__aarch64__)
  return kNeon;
#else
  if (__builtin_cpu_supports("avx512f")) return kAvx512;
  if (__builtin_cpu_supports("avx") && __builtin_cpu_supports("fma")) return kAvx;
  return kSse;
#endif
}

void copy(std::span<float> to, std::span<const float> from) {
  std::memcpy(to.data(), from.data(), to.size_bytes());
}

void triad(std::span<float> sum, std::span<const float> first, std::span<const float> second, float factor) {
  // 16 bytes at a time, which every processor of ours has, and memory is slower than that anyway.
  using Vector [[gnu::vector_size(16), gnu::aligned(4), gnu::may_alias]] = float;
  const auto* a = reinterpret_cast<const Vector*>(first.data());
  const auto* b = reinterpret_cast<const Vector*>(second.data());
  auto* to = reinterpret_cast<Vector*>(sum.data());
  for (std::size_t i = 0; i < sum.size_bytes() / sizeof(Vector); ++i) to[i] = a[i] + factor * b[i];
}

}  // namespace attnbench
