// What the runner says instead of crashing.
#pragma once

#include <stdexcept>
#include <string>

namespace attnbench {

// Where it went wrong. The values are exit codes, private to the runner and whoever launches it.
enum class Stage { usage = 2, library = 3, artifact = 4, input = 5, run = 6 };

class Failure : public std::runtime_error {
 public:
  Failure(Stage stage, const std::string& message) : std::runtime_error(message), stage_(stage) {}
  Stage stage() const { return stage_; }

 private:
  Stage stage_;
};

}  // namespace attnbench
