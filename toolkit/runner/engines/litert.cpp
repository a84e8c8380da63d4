// LiteRT, through the C API of the library in its wheel; XNNPACK on the CPU.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "../engine.h"
#include "../file.h"
#include "litert_api.h"
#include "litert_profile.h"

namespace attnbench::litert {
namespace {

// Those that litert_api.h declares; 2.1.5 takes other arguments, later ones may.
constexpr std::string_view kVersions[] = {"2.1.6", "2.2.0", "2.3.0"};

std::string known_versions() {
  std::string known;
  for (const std::string_view version : kVersions) (known += known.empty() ? "" : ", ") += version;
  return known;
}

// LiteRtElementType
constexpr ElementType kElementTypes[] = {{1, "float32", 4}, {2, "int32", 4}, {3, "uint8", 1},
                                         {4, "int64", 8},   {6, "bool", 1},  {7, "int16", 2},
                                         {9, "int8", 1},    {10, "float16", 2}, {11, "float64", 8}};

void check(Status status, Stage stage, const char* what) {
  if (status != 0) throw Failure(stage, std::string("LiteRT ") + what + ": status " + std::to_string(status));
}

class LiteRtSession final : public Session {
 public:
  LiteRtSession(const Api& api, Environment* environment, const LoadOptions& options, int threads)
      : api_(api), environment_(environment), file_(options.model) {
    compile(!options.trace.empty(), threads);
    Signature* signature = nullptr;
    check(api_.signature(model_, 0, &signature), Stage::artifact, "reads no signature");
    std::size_t count = 0;
    check(api_.input_count(signature, &count), Stage::artifact, "reads no inputs");
    for (std::size_t i = 0; i < count; ++i) {
      const RankedTensorType type = type_of(signature, i, api_.input_tensor);
      inputs_.push_back(make_spec(kElementTypes, type.element, type.layout.shape()));
      inputs_.back().name = name_of(signature, i, api_.input_name);
      in_.push_back(allocate(type, i, api_.input_requirements));
    }
    check(api_.output_count(signature, &count), Stage::artifact, "reads no outputs");
    for (std::size_t i = 0; i < count; ++i) {
      const RankedTensorType type = type_of(signature, i, api_.output_tensor);
      outputs_.push_back(make_spec(kElementTypes, type.element, type.layout.shape()));
      outputs_.back().name = name_of(signature, i, api_.output_name);
      out_.push_back(allocate(type, i, api_.output_requirements));
    }
  }

  void write_inputs(std::span<const std::byte> data) override {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      void* memory = nullptr;
      check(api_.lock(in_[i], &memory, kLockToWrite), Stage::input, "locks no input");
      std::memcpy(memory, data.data(), inputs_[i].bytes);
      check(api_.unlock(in_[i]), Stage::input, "unlocks no input");
      data = data.subspan(inputs_[i].bytes);
    }
  }

  void read_outputs(std::span<std::byte> data) override {
    for (std::size_t i = 0; i < out_.size(); ++i) {
      void* memory = nullptr;
      check(api_.lock(out_[i], &memory, kLockToRead), Stage::run, "locks no output");
      std::memcpy(data.data(), memory, outputs_[i].bytes);
      check(api_.unlock(out_[i]), Stage::run, "unlocks no output");
      data = data.subspan(outputs_[i].bytes);
    }
  }

  void run() override {
    check(api_.run(compiled_, 0, in_.size(), in_.data(), out_.size(), out_.data()), Stage::run, "does not run it");
  }

  void start_trace() override { check(api_.start_profiler(profiler_), Stage::run, "does not profile"); }

  Trace stop_trace(std::size_t runs) override {
    check(api_.stop_profiler(profiler_), Stage::run, "does not stop profiling");
    int count = 0;
    check(api_.event_count(profiler_, &count), Stage::run, "counts no events");
    std::vector<ProfilerEvent> events(static_cast<std::size_t>(count));
    check(api_.events(profiler_, count, events.data()), Stage::run, "hands over no events");
    return read_events(events, runs);
  }

 private:
  // From a buffer: LiteRtCreateModelFromFile skips the verifier, and dies of a truncated file.
  void compile(bool traced, int threads) {
    check(api_.create_model(environment_, file_.bytes().data(), file_.bytes().size(), &model_), Stage::artifact,
          "refuses the model");
    Options* options = nullptr;
    check(api_.create_options(&options), Stage::library, "makes no options");
    check(api_.set_accelerators(options, kCpu), Stage::library, "has no CPU accelerator");
    if (traced) add(options, "runtime_options_string", "enable_profiling = true\n");
    add(options, "xnnpack", "num_threads = " + std::to_string(threads) + "\n");
    check(api_.compile(environment_, model_, options, &compiled_), Stage::artifact, "does not compile the model");
    if (traced) check(api_.profiler(compiled_, &profiler_), Stage::library, "has no profiler");
  }

  // LiteRT frees the text, with the function it is handed.
  void add(Options* options, const char* identifier, const std::string& toml) const {
    OpaqueOptions* opaque = nullptr;
    check(api_.create_opaque_options(identifier, ::strdup(toml.c_str()), &std::free, &opaque), Stage::library,
          "makes no options");
    check(api_.add_opaque_options(options, opaque), Stage::library, "takes no options");
  }

  RankedTensorType type_of(Signature* signature, std::size_t i, const auto& tensor_at) const {
    Tensor* tensor = nullptr;
    check(tensor_at(signature, i, &tensor), Stage::artifact, "reads no tensor");
    RankedTensorType type{};
    check(api_.tensor_type(tensor, &type), Stage::artifact, "reads no tensor type");
    return type;
  }

  static std::string name_of(Signature* signature, std::size_t i, const auto& name_at) {
    const char* name = nullptr;
    check(name_at(signature, i, &name), Stage::artifact, "reads no tensor's name");
    return name;
  }

  TensorBuffer* allocate(const RankedTensorType& type, std::size_t i, const auto& requirements_of) const {
    Requirements* requirements = nullptr;
    check(requirements_of(compiled_, 0, i, &requirements), Stage::artifact, "states no requirements");
    TensorBuffer* buffer = nullptr;
    check(api_.create_buffer(environment_, &type, requirements, &buffer), Stage::artifact, "allocates no buffer");
    return buffer;
  }

  const Api& api_;
  Environment* environment_;
  MappedFile file_;  // the model refers to it
  Model* model_ = nullptr;
  CompiledModel* compiled_ = nullptr;
  Profiler* profiler_ = nullptr;
  std::vector<TensorBuffer*> in_, out_;
};

class LiteRtEngine final : public Engine {
 public:
  explicit LiteRtEngine(const OpenOptions& options)
      : threads_(options.threads),
        version_(options.version),
        library_(options.library_directory, {"libLiteRt.so"}),
        api_{library_} {
    // The library does not tell its version, so whoever found it has to.
    if (!version_.empty() && std::ranges::find(kVersions, version_) == std::end(kVersions))
      throw Failure(Stage::library, "the runner is made for LiteRT " + known_versions() + ", not " + version_);
    check(api_.create_environment(0, nullptr, &environment_), Stage::library, "makes no environment");
  }

  std::string version() const override { return version_; }
  std::vector<Library> libraries() const override { return {library_}; }
  std::unique_ptr<Session> load(const LoadOptions& options) override {
    return std::make_unique<LiteRtSession>(api_, environment_, options, threads_);
  }

 private:
  int threads_;
  std::string version_;
  Library library_;
  Api api_;
  Environment* environment_ = nullptr;
};

bool recognises(std::string_view magic) { return magic.substr(4, 4) == "TFL3"; }

std::unique_ptr<Engine> open(const OpenOptions& options) { return std::make_unique<LiteRtEngine>(options); }

const RegisterEngine registered({"litert", "a LiteRT model", &recognises, false, &open});

}  // namespace
}  // namespace attnbench::litert
