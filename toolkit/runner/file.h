// Files, whole: mapped for reading, written at once.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace attnbench {

// A regular file, mapped read-only; throws std::system_error.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// Throws std::system_error where the bytes cannot be written to the last.
void write_file(const std::string& path, std::span<const std::byte> bytes);
void write_file(const std::string& path, std::string_view text);

// The first line of a small file, as in /proc and /sys; empty where there is none.
std::string first_line(const std::string& path);

}  // namespace attnbench
