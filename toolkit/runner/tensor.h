// Tensors at a model's border, as raw memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "failure.h"

namespace attnbench {

struct TensorSpec {
  std::string dtype;  // as NumPy spells it
  std::vector<std::int64_t> shape;
  std::size_t bytes = 0;
  std::string name;  // in the artifact; "" if tensors have none there
};

inline std::size_t total_bytes(std::span<const TensorSpec> specs) {
  std::size_t total = 0;
  for (const TensorSpec& spec : specs) total += spec.bytes;
  return total;
}

// A runtime's number for an element type, NumPy's name of it, and its size.
struct ElementType {
  int code;
  std::string_view dtype;
  std::size_t bytes;
};

template <class Dims>
TensorSpec make_spec(std::span<const ElementType> known, int code, const Dims& dims) {
  for (const ElementType& type : known) {
    if (type.code != code) continue;
    TensorSpec spec{std::string(type.dtype), {}, type.bytes, {}};
    for (const auto dim : dims) {
      if (dim < 0) throw Failure(Stage::artifact, "the model has a dynamic shape; export it with a fixed one");
      spec.shape.push_back(dim);
      spec.bytes *= static_cast<std::size_t>(dim);
    }
    return spec;
  }
  throw Failure(Stage::artifact, "the model has a tensor of element type " + std::to_string(code) +
                                     ", which the runner does not know");
}

// Memory as kernels like it: on a cache line, and padded, because vector code reads past the end.
class Buffer {
 public:
  explicit Buffer(std::size_t size)
      : data_(static_cast<std::byte*>(::operator new(size + kSlack, kAlignment))), size_(size) {}

  std::byte* data() const { return data_.get(); }
  std::span<std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  static constexpr std::size_t kSlack = 128;
  struct Free {
    void operator()(std::byte* data) const { ::operator delete(data, kAlignment); }
  };

  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_;
};

}  // namespace attnbench
