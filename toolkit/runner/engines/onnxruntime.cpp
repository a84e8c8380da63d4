// ONNX Runtime, through the C API of the library in its wheel.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "../engine.h"
#include "onnxruntime_api.h"
#include "onnxruntime_profile.h"

namespace attnbench::onnxruntime {
namespace {

// ONNXTensorElementDataType
constexpr ElementType kElementTypes[] = {{1, "float32", 4}, {2, "uint8", 1},  {3, "int8", 1},
                                         {4, "uint16", 2},  {5, "int16", 2},  {6, "int32", 4},
                                         {7, "int64", 8},   {9, "bool", 1},   {10, "float16", 2},
                                         {11, "float64", 8}, {12, "uint32", 4}, {13, "uint64", 8}};

struct Description {
  int element;
  TensorSpec spec;
};

// The inputs or the outputs of a session.
class Side {
 public:
  void bind(const Api& api, MemoryInfo* memory, const Description& tensor) {
    names_.push_back(tensor.spec.name);
    buffers_.emplace_back(tensor.spec.bytes);
    values_.push_back(nullptr);
    api(Stage::artifact, create_tensor, memory, buffers_.back().data(), tensor.spec.bytes,
        tensor.spec.shape.data(), tensor.spec.shape.size(), tensor.element, &values_.back());
  }
  // Names as C strings, once no name moves any more.
  void freeze() {
    for (const std::string& name : names_) c_names_.push_back(name.c_str());
  }
  const char* const* names() const { return c_names_.data(); }
  Value** values() { return values_.data(); }
  std::size_t size() const { return values_.size(); }
  const std::vector<Buffer>& buffers() const { return buffers_; }

 private:
  std::vector<std::string> names_;
  std::vector<const char*> c_names_;
  std::vector<Buffer> buffers_;
  std::vector<Value*> values_;
};

class OrtSession final : public attnbench::Session {
 public:
  OrtSession(const Api& api, Environment* environment, const LoadOptions& options, int threads) : api_(api) {
    create(environment, options, threads);
    MemoryInfo* memory = nullptr;
    api_(Stage::artifact, create_cpu_memory_info, kArenaAllocator, kDefaultMemory, &memory);
    std::size_t count = 0;
    api_(Stage::artifact, input_count, session_, &count);
    for (std::size_t i = 0; i < count; ++i) {
      const Description tensor = describe(i, input_name, input_type);
      inputs_.push_back(tensor.spec);
      in_.bind(api_, memory, tensor);
    }
    api_(Stage::artifact, output_count, session_, &count);
    for (std::size_t i = 0; i < count; ++i) {
      const Description tensor = describe(i, output_name, output_type);
      outputs_.push_back(tensor.spec);
      out_.bind(api_, memory, tensor);
    }
    in_.freeze();
    out_.freeze();
  }

  void write_inputs(std::span<const std::byte> data) override {
    for (const Buffer& buffer : in_.buffers()) {
      std::ranges::copy(data.first(buffer.bytes().size()), buffer.data());
      data = data.subspan(buffer.bytes().size());
    }
  }

  void read_outputs(std::span<std::byte> data) override {
    for (const Buffer& buffer : out_.buffers()) {
      std::ranges::copy(buffer.bytes(), data.begin());
      data = data.subspan(buffer.bytes().size());
    }
  }

  void run() override {
    api_(Stage::run, onnxruntime::run, session_, nullptr, in_.names(), in_.values(), in_.size(), out_.names(),
         out_.size(), out_.values());
  }

  Trace stop_trace(std::size_t runs) override {
    char* name = nullptr;
    api_(Stage::run, end_profiling, session_, allocator_, &name);
    const std::string path = name;
    api_(Stage::run, allocator_free, allocator_, name);
    Trace trace = read_profile(path, runs);
    std::filesystem::remove(path);
    return trace;
  }

 private:
  void create(Environment* environment, const LoadOptions& options, int threads) {
    SessionOptions* raw = nullptr;
    api_(Stage::library, create_session_options, &raw);
    const auto session_options = api_.own(raw, release_session_options);
    api_(Stage::library, set_intra_op_threads, raw, threads);
    api_(Stage::library, set_inter_op_threads, raw, 1);
    if (!options.graph.empty()) api_(Stage::library, set_optimized_model_path, raw, options.graph.c_str());
    if (!options.trace.empty()) api_(Stage::library, enable_profiling, raw, (options.trace + ".profile").c_str());
    api_(Stage::library, default_allocator, &allocator_);
    api_(Stage::artifact, create_session, environment, options.model.c_str(), raw, &session_);
  }

  Description describe(std::size_t i, auto name_of, auto type_of) const {
    char* name = nullptr;
    api_(Stage::artifact, name_of, session_, i, allocator_, &name);
    const std::string own_name = name;
    api_(Stage::artifact, allocator_free, allocator_, name);
    TypeInfo* type = nullptr;
    api_(Stage::artifact, type_of, session_, i, &type);
    const auto owned = api_.own(type, release_type_info);
    const TensorInfo* tensor = nullptr;
    api_(Stage::artifact, as_tensor_info, type, &tensor);
    if (tensor == nullptr) throw Failure(Stage::artifact, own_name + " is not a tensor");
    std::size_t rank = 0;
    api_(Stage::artifact, dimension_count, tensor, &rank);
    std::vector<std::int64_t> dims(rank);
    api_(Stage::artifact, dimensions, tensor, dims.data(), rank);
    int element = 0;
    api_(Stage::artifact, element_type, tensor, &element);
    Description result{element, make_spec(kElementTypes, element, dims)};
    result.spec.name = own_name;
    return result;
  }

  Api api_;
  Allocator* allocator_ = nullptr;
  onnxruntime::Session* session_ = nullptr;
  Side in_, out_;
};

class OrtEngine final : public Engine {
 public:
  explicit OrtEngine(const OpenOptions& options)
      : threads_(options.threads),
        library_(options.library_directory, {"libonnxruntime.so.1.31.1", "libonnxruntime.so.1", "libonnxruntime.so"}),
        base_(library_.symbol<const ApiBase*()>("OrtGetApiBase")()),
        api_(table()) {
    api_(Stage::library, create_environment, kLogErrors, "attnbench", &environment_);
  }

  std::string version() const override { return base_->version(); }
  std::vector<Library> libraries() const override { return {library_}; }
  std::unique_ptr<attnbench::Session> load(const LoadOptions& options) override {
    return std::make_unique<OrtSession>(api_, environment_, options, threads_);
  }

 private:
  const void* const* table() const {
    const void* const* table = base_->get_api(kApiVersion);
    if (table == nullptr) throw Failure(Stage::library, "this ONNX Runtime lacks C API version 17");
    return table;
  }

  int threads_;
  Library library_;
  const ApiBase* base_;
  Api api_;
  Environment* environment_ = nullptr;
};

// Protocol buffers have no magic: a model starts with its first field, ir_version, as tag and varint.
bool recognises(std::string_view magic) { return magic[0] == 0x08 || magic.substr(4, 4) == "ORTM"; }

std::unique_ptr<Engine> open(const OpenOptions& options) {
  // Left alone, the library starts a thread that reports to a server and keeps a database in the
  // user's cache. The switch counts only before the library initialises: afterwards is too late.
  ::setenv("ORT_DISABLE_TELEMETRY", "1", 1);
  return std::make_unique<OrtEngine>(options);
}

const RegisterEngine registered({"onnxruntime", "an ONNX model", &recognises, true, &open});

}  // namespace
}  // namespace attnbench::onnxruntime
