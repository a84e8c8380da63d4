// ExecuTorch: the only runtime with a C++ API, so what speaks to it is a plug-in of its own, and a
// machine without ExecuTorch lacks nothing else. Here are its libraries loaded.
#include "../engine.h"

#include <filesystem>

namespace attnbench::executorch {
namespace {

// Opened by path and in order of dependence, which satisfies the plug-in and each other by name.
// Kernels and backends register themselves as they load.
std::vector<Library> open_libraries(const std::string& directory) {
  std::vector<Library> libraries;
  for (const char* name : {"libexecutorch.so", "libexecutorch_threadpool.so", "libexecutorch_kernels_optimized.so",
                           "libexecutorch_kernels_quantized.so", "libexecutorch_backend_xnnpack.so"})
    libraries.emplace_back(directory, std::vector<std::string>{name}, Library::Visibility::global);
  return libraries;
}

class ExecuTorchEngine final : public Engine {
 public:
  explicit ExecuTorchEngine(const OpenOptions& options)
      : version_(options.version), libraries_(open_libraries(options.library_directory)) {
    const std::filesystem::path path(options.plugin);
    const Library plugin(path.parent_path(), {path.filename()});
    using Load = Session*(const LoadOptions&);
    using SetThreads = void(int);
    load_ = plugin.symbol<Load>("attnbench_executorch_load");
    plugin.symbol<SetThreads>("attnbench_executorch_set_threads")(options.threads);
  }

  std::string version() const override { return version_; }
  std::vector<Library> libraries() const override { return libraries_; }
  std::unique_ptr<Session> load(const LoadOptions& options) override {
    return std::unique_ptr<Session>(load_(options));
  }

 private:
  std::string version_;
  std::vector<Library> libraries_;
  Session* (*load_)(const LoadOptions&);
};

bool recognises(std::string_view magic) { return magic.substr(4, 2) == "ET"; }

std::unique_ptr<Engine> open(const OpenOptions& options) { return std::make_unique<ExecuTorchEngine>(options); }

const RegisterEngine registered({"executorch", "an ExecuTorch program", &recognises, false, &open});

}  // namespace
}  // namespace attnbench::executorch
