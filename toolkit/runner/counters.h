// Hardware counters of this process, where processor and kernel offer them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json.h"

namespace attnbench {

// Of this thread and those that it starts from then on: to be opened before a runtime starts its own.
// They count in user mode, since a kernel lets few people count itself.
class Counters {
 public:
  Counters();

  void start() const;
  void stop() const;

  // The counts so far, and why there is none of the others; a count is never an estimate.
  json::Value read() const;

 private:
  struct Counter {
    std::string_view name;
    int descriptor;
    std::string unknown;
  };

  std::vector<Counter> counters_;
};

}  // namespace attnbench
