// The few functions of ONNX Runtime's C API that the runner calls, declared anew: its wheel has no
// headers. OrtApi is a table that only ever grows, so a function's place in it is its identity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "../failure.h"

namespace attnbench::onnxruntime {

struct Allocator;
struct Environment;
struct MemoryInfo;
struct RunOptions;
struct Session;
struct SessionOptions;
struct Status;
struct TensorInfo;
struct TypeInfo;
struct Value;

// OrtApiBase, the only thing with a fixed layout of its own.
struct ApiBase {
  const void* const* (*get_api)(std::uint32_t version);
  const char* (*version)();
};
constexpr std::uint32_t kApiVersion = 17;  // the oldest that has every function below

template <std::size_t Slot, class... Arguments>
struct Function {};  // returns Status*, null is success
template <class T, std::size_t Slot>
struct Release {};

inline constexpr Function<3, int, const char*, Environment**> create_environment;
inline constexpr Function<7, Environment*, const char*, SessionOptions*, Session**> create_session;
inline constexpr Function<9, Session*, RunOptions*, const char* const*, const Value* const*, std::size_t,
                          const char* const*, std::size_t, Value**> run;
inline constexpr Function<10, SessionOptions**> create_session_options;
inline constexpr Function<11, SessionOptions*, const char*> set_optimized_model_path;
inline constexpr Function<14, SessionOptions*, const char*> enable_profiling;
inline constexpr Function<24, SessionOptions*, int> set_intra_op_threads;
inline constexpr Function<25, SessionOptions*, int> set_inter_op_threads;
inline constexpr Function<30, Session*, std::size_t*> input_count;
inline constexpr Function<31, Session*, std::size_t*> output_count;
inline constexpr Function<33, Session*, std::size_t, TypeInfo**> input_type;
inline constexpr Function<34, Session*, std::size_t, TypeInfo**> output_type;
inline constexpr Function<36, Session*, std::size_t, Allocator*, char**> input_name;
inline constexpr Function<37, Session*, std::size_t, Allocator*, char**> output_name;
inline constexpr Function<49, MemoryInfo*, void*, std::size_t, const std::int64_t*, std::size_t, int, Value**>
    create_tensor;
inline constexpr Function<55, TypeInfo*, const TensorInfo**> as_tensor_info;
inline constexpr Function<60, const TensorInfo*, int*> element_type;
inline constexpr Function<61, const TensorInfo*, std::size_t*> dimension_count;
inline constexpr Function<62, const TensorInfo*, std::int64_t*, std::size_t> dimensions;
inline constexpr Function<69, int, int, MemoryInfo**> create_cpu_memory_info;
inline constexpr Function<76, Allocator*, void*> allocator_free;
inline constexpr Function<78, Allocator**> default_allocator;
inline constexpr Function<110, Session*, Allocator*, char**> end_profiling;

inline constexpr std::size_t kErrorMessage = 2;
inline constexpr Release<Status, 93> release_status;
inline constexpr Release<TypeInfo, 98> release_type_info;
inline constexpr Release<SessionOptions, 100> release_session_options;

constexpr int kLogErrors = 3;
constexpr int kArenaAllocator = 1;
constexpr int kDefaultMemory = 0;

class Api {
 public:
  explicit Api(const void* const* table) : table_(table) {}

  // Calls, and turns a status into a Failure of this stage.
  template <std::size_t Slot, class... Arguments>
  void operator()(Stage stage, Function<Slot, Arguments...>, std::type_identity_t<Arguments>... arguments) const {
    if (Status* status = at<Status*(Arguments...)>(Slot)(arguments...)) fail(stage, status);
  }

  template <class T, std::size_t Slot>
  auto own(T* object, Release<T, Slot>) const {
    return std::unique_ptr<T, void (*)(T*)>(object, at<void(T*)>(Slot));
  }

 private:
  template <class Signature>
  Signature* at(std::size_t slot) const {
    return reinterpret_cast<Signature*>(const_cast<void*>(table_[slot]));
  }

  [[noreturn]] void fail(Stage stage, Status* status) const {
    const auto owned = own(status, release_status);
    throw Failure(stage, at<const char*(const Status*)>(kErrorMessage)(status));
  }

  const void* const* table_;
};

}  // namespace attnbench::onnxruntime
