// One trace format, whatever the runtime's profiler calls things.
#pragma once

#include <cstdint>
#include <compare>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace attnbench {

enum class Level { op, profiler, delegate, model };  // exclusive leaf work, the profiler's own; what encloses them

struct Operator {
  std::string name;  // the runtime's own
  std::string kind;  // its operator type there
  Level level = Level::op;
  int inputs = 0;  // 0: the runtime does not tell

  auto operator<=>(const Operator&) const = default;
};

struct Event {
  std::uint32_t op;
  std::int64_t start_ns;
  std::int64_t ns;
};

struct Trace {
  std::int64_t resolution_ns;  // of the profiler's clock, of which every operator's time holds one reading
  std::vector<Operator> operators;
  std::vector<std::vector<Event>> iterations;  // per traced inference, in the order in which events ended
};

// Numbers operators in the order of their first appearance.
class OperatorTable {
 public:
  std::uint32_t index(const Operator& op) {
    const auto [entry, added] = known_.try_emplace(op, static_cast<std::uint32_t>(operators_.size()));
    if (added) operators_.push_back(op);
    return entry->second;
  }
  std::vector<Operator> take() { return std::move(operators_); }

 private:
  std::map<Operator, std::uint32_t> known_;
  std::vector<Operator> operators_;
};

std::string to_json(const Trace& trace, std::string_view engine);

}  // namespace attnbench
