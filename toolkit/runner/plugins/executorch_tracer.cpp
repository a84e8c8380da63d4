#include "executorch_tracer.h"

#include "../fine_clock.h"

namespace attnbench::executorch {
namespace {

constexpr std::string_view kExecute = "Method::execute";
constexpr std::string_view kDelegate = "DELEGATE_CALL";
constexpr std::string_view kOperator = "OPERATOR_CALL";
constexpr std::string_view kKernel = "native_call_";

// XNNPACK's profile counts in microseconds, all else in nanoseconds; under the fine clock both are finer.
constexpr std::int64_t kResolution = 1000 / kFineness;

std::int64_t to_ns(et_timestamp_t ticks) {
  static const et_tick_ratio_t ratio = et::pal_ticks_to_ns_multiplier();
  return static_cast<std::int64_t>(ticks * ratio.numerator / ratio.denominator / kFineness);
}

Operator delegated(std::string_view name) {
  const std::size_t number = name.rfind(" #");  // "Add (ND) #2" is the delegate's second of that kind
  return {std::string(name), std::string(name.substr(0, number))};
}

Operator undelegated(std::string_view name) {
  const std::string text(name);
  if (name == kExecute) return {text, text, Level::model};
  if (name == kDelegate) return {text, text, Level::delegate};
  if (name == kProfiler) return {text, text, Level::profiler};
  if (name.starts_with(kKernel)) return {text, text.substr(kKernel.size())};
  return {text, text};
}

}  // namespace

std::vector<std::vector<Tracer::Recorded>> Tracer::executions() const {
  std::vector<std::vector<Recorded>> executions(1);
  for (const Recorded& event : events_) {
    auto& current = executions.back();
    const std::string_view name(names_.data() + event.name);
    // An instruction that calls an operator encloses its kernel: one of the two, or time counts twice.
    if (name == kOperator && !current.empty() && current.back().start >= event.start) continue;
    current.push_back(event);
    if (name == kExecute) executions.emplace_back();
  }
  executions.pop_back();
  return executions;
}

Trace Tracer::trace(std::size_t runs) const {
  const auto recorded = executions();
  if (recorded.size() != runs)
    throw Failure(Stage::run, "ExecuTorch profiled " + std::to_string(recorded.size()) + " executions of " +
                                  std::to_string(runs));
  OperatorTable table;
  std::vector<std::vector<Event>> iterations;
  for (const auto& execution : recorded) {
    auto& events = iterations.emplace_back();
    for (const Recorded& event : execution) {
      const std::string_view name(names_.data() + event.name);
      const Operator op = event.by_delegate ? delegated(name) : undelegated(name);
      const std::int64_t start_ns = to_ns(event.start);
      events.push_back({table.index(op), start_ns, to_ns(event.end) - start_ns});
    }
  }
  return {kResolution, table.take(), std::move(iterations)};
}

}  // namespace attnbench::executorch
