// What a runtime has to offer to be measured. One file per runtime registers one.
//
// Engines and sessions live until the process ends, and the process ends by _exit: some runtimes
// crash or wait in their destructors, and none of them holds anything that outlives a process.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "library.h"
#include "tensor.h"
#include "trace.h"

namespace attnbench {

struct OpenOptions {
  std::string library_directory;
  std::string plugin;   // path of the ExecuTorch plug-in
  std::string version;  // of the wheel, for libraries that do not tell theirs
  int threads = 1;
};

struct LoadOptions {
  std::string model;
  std::string trace;  // where to write the trace; "" does not trace
  std::string graph;  // where to save the graph that runs; "" does not
};

// A loaded artifact with its buffers.
class Session {
 public:
  virtual ~Session() = default;

  const std::vector<TensorSpec>& inputs() const { return inputs_; }
  const std::vector<TensorSpec>& outputs() const { return outputs_; }

  // All tensors one after the other, exactly total_bytes(inputs()) or total_bytes(outputs()).
  virtual void write_inputs(std::span<const std::byte> data) = 0;
  virtual void read_outputs(std::span<std::byte> data) = 0;

  virtual void prepare() {}  // what has to precede every run; timed apart
  virtual void run() = 0;    // the runtime's own call, nothing else

  // Of a session loaded to be traced: forget the runs so far; then what the last `runs` were.
  virtual void start_trace() {}
  virtual Trace stop_trace(std::size_t runs) = 0;

 protected:
  std::vector<TensorSpec> inputs_, outputs_;
};

// A runtime whose libraries are loaded.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual std::string version() const = 0;
  virtual std::vector<Library> libraries() const = 0;
  virtual std::unique_ptr<Session> load(const LoadOptions& options) = 0;
};

constexpr std::size_t kMagicBytes = 16;

struct EngineType {
  std::string_view name;
  std::string_view artifact;  // "an ONNX model"
  bool (*recognises)(std::string_view magic);  // the artifact's first kMagicBytes
  bool saves_graph;
  std::unique_ptr<Engine> (*open)(const OpenOptions& options);
};

inline std::vector<EngineType>& engine_types() {
  static std::vector<EngineType> types;
  return types;
}

struct RegisterEngine {
  explicit RegisterEngine(const EngineType& type) { engine_types().push_back(type); }
};

}  // namespace attnbench
