#include "litert_profile.h"

#include <optional>
#include <string>
#include <string_view>

#include "../failure.h"
#include "../fine_clock.h"

namespace attnbench::litert {
namespace {

constexpr std::string_view kFirstCall = "LiteRT::Run[buffer registration]";
constexpr std::string_view kInvoke = "Invoke";
constexpr std::int64_t kResolution = 1000 / kFineness;

std::int64_t ns(std::uint64_t microseconds) { return static_cast<std::int64_t>(microseconds) * kResolution; }

class Reader {
 public:
  Trace read(std::span<const ProfilerEvent> events, std::size_t runs) {
    for (const ProfilerEvent& event : events) add(event);
    finish_invoke();
    if (iterations_.size() != runs)
      throw Failure(Stage::run, "LiteRT profiled " + std::to_string(iterations_.size()) + " inferences of " +
                                    std::to_string(runs));
    return {kResolution, table_.take(), std::move(iterations_)};
  }

 private:
  void add(const ProfilerEvent& event) {
    const std::string name = event.tag == nullptr ? "" : event.tag;
    switch (event.type) {
      case kCall: return add_call(event, name);
      case kOperator:
      case kDelegateOperator: return add_operator(event, name);
      case kDelegateProfiled: return add_delegated(event, name);
      default: return;  // telemetry: a copy of Invoke with nonsense for a duration
    }
  }

  // The runtime's own functions: what precedes Invoke, Invoke itself, and what follows it.
  void add_call(const ProfilerEvent& event, const std::string& name) {
    finish_invoke();
    if (name == kFirstCall) iterations_.emplace_back();
    const Event call{table_.index({name, name, Level::model}), ns(event.start_us), ns(event.elapsed_us)};
    if (name == kInvoke) {
      invoke_ = call;
      now_ns_ = call.start_ns;
    } else {
      push(call);
    }
  }

  void add_operator(const ProfilerEvent& event, const std::string& name) {
    finish_delegate();
    push({table_.index({name, name}), ns(event.start_us), ns(event.elapsed_us)});
    now_ns_ = ns(event.start_us + event.elapsed_us);
  }

  // Operators of one delegate run back to back, numbered from zero: that is all that tells where they
  // started, and where the next delegate begins.
  void add_delegated(const ProfilerEvent& event, const std::string& name) {
    if (event.metadata[0] == 0) finish_delegate();
    if (!delegate_start_ns_) delegate_start_ns_ = now_ns_;
    push({table_.index({name, name}), now_ns_, ns(event.elapsed_us)});
    now_ns_ += ns(event.elapsed_us);
  }

  // LiteRT has no event for a delegate as a whole, so it is given the span of its operators.
  void finish_delegate() {
    if (!delegate_start_ns_) return;
    push({table_.index({"delegate", "delegate", Level::delegate}), *delegate_start_ns_, now_ns_ - *delegate_start_ns_});
    delegate_start_ns_.reset();
  }

  void finish_invoke() {
    finish_delegate();
    if (invoke_) push(*invoke_);
    invoke_.reset();
  }

  void push(const Event& event) {
    if (iterations_.empty()) throw Failure(Stage::run, "LiteRT's profile does not begin with an inference");
    iterations_.back().push_back(event);
  }

  OperatorTable table_;
  std::vector<std::vector<Event>> iterations_;
  std::optional<Event> invoke_;
  std::optional<std::int64_t> delegate_start_ns_;
  std::int64_t now_ns_ = 0;
};

}  // namespace

Trace read_events(std::span<const ProfilerEvent> events, std::size_t runs) { return Reader().read(events, runs); }

}  // namespace attnbench::litert
