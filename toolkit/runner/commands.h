// The commands: each takes the options and returns the document to print.
#pragma once

#include "json.h"
#include "options.h"

namespace attnbench {

json::Object execute(const Options& options);

}  // namespace attnbench
