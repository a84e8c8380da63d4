// What speaks to ExecuTorch: a shared object built against its wheel's headers, which the runner opens.
#include <executorch/extension/module/module.h>
#include <executorch/extension/tensor/tensor.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "../engine.h"
#include "executorch_tracer.h"

// Exported by libexecutorch_threadpool.so; the wheel has no header for it.
namespace executorch::extension::threadpool {
class ThreadPool {
 public:
  std::size_t get_thread_count() const;
  bool _unsafe_reset_threadpool(std::uint32_t threads);
};
ThreadPool* get_threadpool();
}  // namespace executorch::extension::threadpool

namespace attnbench::executorch {
namespace {

namespace extension = ::executorch::extension;
using ::executorch::aten::ScalarType;

constexpr const char* kMethod = "forward";

constexpr ElementType kElementTypes[] = {{static_cast<int>(ScalarType::Float), "float32", 4},
                                         {static_cast<int>(ScalarType::Half), "float16", 2},
                                         {static_cast<int>(ScalarType::Double), "float64", 8},
                                         {static_cast<int>(ScalarType::Char), "int8", 1},
                                         {static_cast<int>(ScalarType::Byte), "uint8", 1},
                                         {static_cast<int>(ScalarType::Short), "int16", 2},
                                         {static_cast<int>(ScalarType::Int), "int32", 4},
                                         {static_cast<int>(ScalarType::Long), "int64", 8},
                                         {static_cast<int>(ScalarType::Bool), "bool", 1}};

void check(et::Error error, Stage stage, const char* what) {
  if (error == et::Error::Ok) return;
  std::array<char, 16> code{};
  std::snprintf(code.data(), code.size(), "0x%x", static_cast<unsigned>(error));
  throw Failure(stage, std::string("ExecuTorch ") + what + ": error " + code.data());
}

TensorSpec describe(const et::Result<et::TensorInfo>& info) {
  check(info.error(), Stage::artifact, "describes no tensor");
  return make_spec(kElementTypes, static_cast<int>(info->scalar_type()), info->sizes());
}

// A Module runs a method with copies of its own around it; ours is timed bare.
class Program final : public extension::Module {
 public:
  using Module::Module;
  et::Method* loaded(const char* name) { return methods_.at(name).method.get(); }
};

class ExecuTorchSession final : public Session {
 public:
  explicit ExecuTorchSession(const LoadOptions& options) {
    std::unique_ptr<Tracer> tracer;
    if (!options.trace.empty()) tracer = std::make_unique<Tracer>();
    tracer_ = tracer.get();
    program_ = std::make_unique<Program>(options.model, Program::LoadMode::File, std::move(tracer));
    // Minimal verification would die of a damaged program.
    check(program_->load(et::Program::Verification::InternalConsistency), Stage::artifact, "refuses the program");
    check(program_->load_method(kMethod), Stage::artifact, "does not load the method forward");
    method_ = program_->loaded(kMethod);
    const auto meta = method_->method_meta();
    for (std::size_t i = 0; i < meta.num_inputs(); ++i) add_input(meta.input_tensor_meta(i));
    for (std::size_t i = 0; i < meta.num_outputs(); ++i) outputs_.push_back(describe(meta.output_tensor_meta(i)));
  }

  void write_inputs(std::span<const std::byte> data) override {
    for (const Buffer& buffer : buffers_) {
      std::ranges::copy(data.first(buffer.bytes().size()), buffer.data());
      data = data.subspan(buffer.bytes().size());
    }
  }

  void read_outputs(std::span<std::byte> data) override {
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const auto& tensor = method_->get_output(i).toTensor();
      if (tensor.nbytes() != outputs_[i].bytes) throw Failure(Stage::run, "ExecuTorch changed the size of an output");
      const std::span bytes(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes());
      std::ranges::copy(bytes, data.begin());
      data = data.subspan(bytes.size());
    }
  }

  // The memory of inputs is planned like any other, and may be reused while the program runs.
  void prepare() override {
    for (std::size_t i = 0; i < values_.size(); ++i)
      check(method_->set_input(values_[i], i), Stage::run, "takes no input");
  }

  void run() override { check(method_->execute(), Stage::run, "does not execute it"); }

  void start_trace() override { tracer_->clear(); }
  Trace stop_trace(std::size_t runs) override { return tracer_->trace(runs); }

 private:
  void add_input(const et::Result<et::TensorInfo>& info) {
    inputs_.push_back(describe(info));
    const TensorSpec& spec = inputs_.back();
    buffers_.emplace_back(spec.bytes);
    const std::vector<::executorch::aten::SizesType> sizes(spec.shape.begin(), spec.shape.end());
    tensors_.push_back(extension::from_blob(buffers_.back().data(), sizes, info->scalar_type()));
    values_.emplace_back(tensors_.back());
  }

  std::unique_ptr<Program> program_;
  Tracer* tracer_ = nullptr;  // the program's
  et::Method* method_ = nullptr;
  std::vector<Buffer> buffers_;
  std::vector<extension::TensorPtr> tensors_;
  std::vector<et::EValue> values_;
};

}  // namespace
}  // namespace attnbench::executorch

extern "C" {

// Before the first load: delegates take the pool as they find it.
void attnbench_executorch_set_threads(int threads) {
  auto* pool = executorch::extension::threadpool::get_threadpool();
  const auto wanted = static_cast<std::uint32_t>(threads);
  if (pool == nullptr || (pool->get_thread_count() != wanted && !pool->_unsafe_reset_threadpool(wanted)))
    throw attnbench::Failure(attnbench::Stage::library, "ExecuTorch does not set its number of threads");
}

// Not for C, in spite of its linkage, which is there for a name that dlsym can find.
attnbench::Session* attnbench_executorch_load(const attnbench::LoadOptions& options) {
  return std::make_unique<attnbench::executorch::ExecuTorchSession>(options).release();
}
}
