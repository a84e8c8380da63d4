// SHA-256 as FIPS 180-4 defines it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace attnbench {

class Sha256 {
 public:
  void update(std::span<const std::byte> data);
  std::string hex();  // pads, so call it once and last

 private:
  void compress(const std::byte* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> pending_{};
  std::uint64_t total_ = 0;
};

// Lower-case hexadecimal digest; throws std::system_error where the file cannot be read.
std::string sha256_of_file(const std::string& path);

}  // namespace attnbench
