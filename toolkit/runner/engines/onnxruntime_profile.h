// ONNX Runtime's own profile, a JSON file with one event per line, as a Trace.
#pragma once

#include <cstddef>
#include <string>

#include "../trace.h"

namespace attnbench::onnxruntime {

// Of the last `runs` inferences in the file. Throws Failure where it holds fewer.
Trace read_profile(const std::string& path, std::size_t runs);

}  // namespace attnbench::onnxruntime
