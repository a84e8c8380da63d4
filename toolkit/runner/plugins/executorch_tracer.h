// Records what ExecuTorch and its delegates report about themselves, at little cost per event: the
// alternative that the wheel offers, ETDump, builds a FlatBuffer while the clock runs.
#pragma once

#include <executorch/runtime/core/event_tracer.h>
#include <executorch/runtime/platform/platform.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../failure.h"
#include "../trace.h"

namespace attnbench::executorch {

namespace et = ::executorch::runtime;

inline constexpr const char* kProfiler = "profiler";  // the name of its own work among the events

class Tracer final : public et::EventTracer {
 public:
  Tracer() { names_.reserve(kExpectedEvents), events_.reserve(kExpectedEvents); }

  void clear() {
    names_.clear();
    events_.clear();
  }
  // Of the last `runs` executions.
  Trace trace(std::size_t runs) const;

  et::EventTracerEntry start_profiling(const char* name, et::ChainID, et::DebugHandle) override {
    return start(name);
  }
  et::EventTracerEntry start_profiling_delegate(const char* name, et::DelegateDebugIntId) override {
    return start(name);
  }
  void end_profiling(et::EventTracerEntry entry) override { end(entry, false); }
  void end_profiling_delegate(et::EventTracerEntry entry, const void*, std::size_t) override { end(entry, true); }
  void log_profiling_delegate(const char* name, et::DelegateDebugIntId, et_timestamp_t start_time,
                              et_timestamp_t end_time, const void*, std::size_t) override {
    if (logging_since_ == 0) logging_since_ = et::pal_current_ticks();
    events_.push_back({add_name(name), start_time, end_time, true});
    logged_until_ = et::pal_current_ticks();
  }

  // Tensors and memory are of no interest here.
  void create_event_block(const char*) override {}
  void track_allocation(et::AllocatorID, std::size_t) override {}
  et::AllocatorID track_allocator(const char*) override { return 0; }
  void set_delegation_intermediate_output_filter(et::EventTracerFilterBase*) override {}
  et::Result<bool> log_evalue(const et::EValue&, et::LoggedEValueType) override { return false; }
  using Tensor = ::executorch::aten::Tensor;
  using Id = et::DelegateDebugIntId;
  et::Result<bool> log_intermediate_output_delegate(const char*, Id, const Tensor&) override { return false; }
  et::Result<bool> log_intermediate_output_delegate(const char*, Id, const et::ArrayRef<Tensor>) override {
    return false;
  }
  et::Result<bool> log_intermediate_output_delegate(const char*, Id, const int&) override { return false; }
  et::Result<bool> log_intermediate_output_delegate(const char*, Id, const bool&) override { return false; }
  et::Result<bool> log_intermediate_output_delegate(const char*, Id, const double&) override { return false; }

 private:
  static constexpr std::size_t kExpectedEvents = 1 << 16;

  struct Recorded {
    std::size_t name;  // offset into names_
    et_timestamp_t start, end;
    bool by_delegate;
  };

  // Names are copied because delegates format them on the stack; looking them up can wait.
  std::size_t add_name(const char* name) {
    const std::size_t offset = names_.size();
    const std::string_view text = name == nullptr ? "" : name;
    names_.insert(names_.end(), text.begin(), text.end());
    names_.push_back('\0');
    return offset;
  }
  et::EventTracerEntry start(const char* name) {
    et::EventTracerEntry entry{};
    entry.event_id = static_cast<std::int64_t>(add_name(name));
    entry.start_time = et::pal_current_ticks();
    return entry;
  }
  void end(const et::EventTracerEntry& entry, bool by_delegate) {
    const et_timestamp_t now = et::pal_current_ticks();
    if (logging_since_ != 0) {  // a delegate tells all of its operators at its end: that is no work of its own
      events_.push_back({add_name(kProfiler), logging_since_, logged_until_, false});
      logging_since_ = 0;
    }
    events_.push_back({static_cast<std::size_t>(entry.event_id), entry.start_time, now, by_delegate});
  }
  std::vector<std::vector<Recorded>> executions() const;

  std::vector<char> names_;
  std::vector<Recorded> events_;
  et_timestamp_t logging_since_ = 0, logged_until_ = 0;
};

}  // namespace attnbench::executorch
