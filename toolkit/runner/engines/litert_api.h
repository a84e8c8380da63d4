// The few functions of LiteRT's C API that the runner calls, declared anew: its wheel has no
// headers. Layouts are those of versions 2.1.6 to 2.3.0.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "../library.h"

namespace attnbench::litert {

struct CompiledModel;
struct Environment;
struct Model;
struct OpaqueOptions;
struct Options;
struct Profiler;
struct Requirements;
struct Signature;
struct Tensor;
struct TensorBuffer;

using Status = int;  // 0 is success

struct Layout {
  std::uint32_t rank_and_flags;  // the rank is in the low seven bits
  std::array<std::int32_t, 8> dims;
  std::array<std::uint32_t, 8> strides;

  std::span<const std::int32_t> shape() const { return std::span(dims).first(rank_and_flags & 0x7f); }
};
struct RankedTensorType {
  std::int32_t element;
  Layout layout;
};
static_assert(sizeof(RankedTensorType) == 72);

struct MemoryUsage {
  std::int64_t resident;
  std::uint64_t allocated, in_use;
};
struct ProfilerEvent {
  const char* tag;
  std::uint32_t type;  // one bit of EventType
  std::uint64_t start_us, elapsed_us;
  MemoryUsage begin, end;
  std::uint64_t metadata[2];
  std::uint32_t source;
};
static_assert(sizeof(ProfilerEvent) == 104);

enum EventType : std::uint32_t {
  kCall = 1,               // a function of the runtime itself
  kOperator = 2,           // a node of the graph, which may be a delegate
  kDelegateOperator = 4,   // timed by a delegate as it runs
  kDelegateProfiled = 8,   // reported by a delegate afterwards
};

constexpr int kCpu = 1;
constexpr int kLockToRead = 0;
constexpr int kLockToWrite = 1;

template <class Signature>
class Symbol;
template <class Result, class... Arguments>
class Symbol<Result(Arguments...)> {
 public:
  Symbol(const Library& library, const char* name) : function_(library.symbol<Result(Arguments...)>(name)) {}
  Result operator()(Arguments... arguments) const { return function_(arguments...); }

 private:
  Result (*function_)(Arguments...);
};

struct Api {
  const Library& library;

  template <class Signature>
  using S = Symbol<Signature>;
  S<Status(int, const void*, Environment**)> create_environment{library, "LiteRtCreateEnvironment"};
  S<Status(Environment*, const void*, std::size_t, Model**)> create_model{library, "LiteRtCreateModelFromBuffer"};
  S<Status(Options**)> create_options{library, "LiteRtCreateOptions"};
  S<Status(Options*, int)> set_accelerators{library, "LiteRtSetOptionsHardwareAccelerators"};
  S<Status(const char*, void*, void (*)(void*), OpaqueOptions**)> create_opaque_options{library,
                                                                                        "LiteRtCreateOpaqueOptions"};
  S<Status(Options*, OpaqueOptions*)> add_opaque_options{library, "LiteRtAddOpaqueOptions"};
  S<Status(Environment*, Model*, Options*, CompiledModel**)> compile{library, "LiteRtCreateCompiledModel"};
  S<Status(Model*, std::size_t, Signature**)> signature{library, "LiteRtGetModelSignature"};
  S<Status(Signature*, std::size_t*)> input_count{library, "LiteRtGetNumSignatureInputs"};
  S<Status(Signature*, std::size_t*)> output_count{library, "LiteRtGetNumSignatureOutputs"};
  S<Status(Signature*, std::size_t, Tensor**)> input_tensor{library, "LiteRtGetSignatureInputTensorByIndex"};
  S<Status(Signature*, std::size_t, Tensor**)> output_tensor{library, "LiteRtGetSignatureOutputTensorByIndex"};
  S<Status(Signature*, std::size_t, const char**)> input_name{library, "LiteRtGetSignatureInputName"};
  S<Status(Signature*, std::size_t, const char**)> output_name{library, "LiteRtGetSignatureOutputName"};
  S<Status(Tensor*, RankedTensorType*)> tensor_type{library, "LiteRtGetRankedTensorType"};
  S<Status(CompiledModel*, std::size_t, std::size_t, Requirements**)> input_requirements{
      library, "LiteRtGetCompiledModelInputBufferRequirements"};
  S<Status(CompiledModel*, std::size_t, std::size_t, Requirements**)> output_requirements{
      library, "LiteRtGetCompiledModelOutputBufferRequirements"};
  S<Status(Environment*, const RankedTensorType*, Requirements*, TensorBuffer**)> create_buffer{
      library, "LiteRtCreateManagedTensorBufferFromRequirements"};
  S<Status(TensorBuffer*, void**, int)> lock{library, "LiteRtLockTensorBuffer"};
  S<Status(TensorBuffer*)> unlock{library, "LiteRtUnlockTensorBuffer"};
  S<Status(CompiledModel*, std::size_t, std::size_t, TensorBuffer**, std::size_t, TensorBuffer**)> run{
      library, "LiteRtRunCompiledModel"};
  S<Status(CompiledModel*, Profiler**)> profiler{library, "LiteRtCompiledModelGetProfiler"};
  S<Status(Profiler*)> start_profiler{library, "LiteRtStartProfiler"};
  S<Status(Profiler*)> stop_profiler{library, "LiteRtStopProfiler"};
  S<Status(Profiler*, int*)> event_count{library, "LiteRtGetNumProfilerEvents"};
  S<Status(Profiler*, int, ProfilerEvent*)> events{library, "LiteRtGetProfilerEvents"};
};

}  // namespace attnbench::litert
