// `peaks`: the roof that processor and memory put over every model.
#pragma once

#include "json.h"
#include "options.h"

namespace attnbench {

// The options' threads, each on a processor of its own; `iterations` times each kernel.
json::Object peaks(const Options& options);

}  // namespace attnbench
