// For benchmarks only: every engine, made slower by a known share. What is added is a spin inside of
// the timed call, as long as that share of the inference before it. Linked last, after the engines,
// so that they have registered themselves by then.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "engine.h"
#include "system.h"

namespace attnbench {
namespace {

constexpr double kSlower = 0.03;

class SlowedSession : public Session {
 public:
  explicit SlowedSession(std::unique_ptr<Session> inner) : inner_(std::move(inner)) {
    inputs_ = inner_->inputs();
    outputs_ = inner_->outputs();
  }

  void write_inputs(std::span<const std::byte> data) override { inner_->write_inputs(data); }
  void read_outputs(std::span<std::byte> data) override { inner_->read_outputs(data); }
  void prepare() override { inner_->prepare(); }
  void start_trace() override { inner_->start_trace(); }
  Trace stop_trace(std::size_t runs) override { return inner_->stop_trace(runs); }

  void run() override {
    const std::int64_t start = now_ns();
    inner_->run();
    const std::int64_t end = now_ns();
    const std::int64_t until = end + static_cast<std::int64_t>(kSlower * static_cast<double>(end - start));
    while (now_ns() < until) {
    }
  }

 private:
  std::unique_ptr<Session> inner_;
};

class SlowedEngine : public Engine {
 public:
  explicit SlowedEngine(std::unique_ptr<Engine> inner) : inner_(std::move(inner)) {}

  std::string version() const override { return inner_->version(); }
  std::vector<Library> libraries() const override { return inner_->libraries(); }
  std::unique_ptr<Session> load(const LoadOptions& options) override {
    return std::make_unique<SlowedSession>(inner_->load(options));
  }

 private:
  std::unique_ptr<Engine> inner_;
};

using Open = std::unique_ptr<Engine> (*)(const OpenOptions& options);
std::array<Open, 3> originals;

template <std::size_t At>
std::unique_ptr<Engine> open_slowed(const OpenOptions& options) {
  return std::make_unique<SlowedEngine>(originals[At](options));
}

constexpr std::array<Open, 3> kSlowed{open_slowed<0>, open_slowed<1>, open_slowed<2>};

const bool replaced = [] {
  std::vector<EngineType>& types = engine_types();
  if (types.size() != kSlowed.size()) std::abort();  // not linked last, or there is a new engine
  for (std::size_t at = 0; at < types.size(); ++at) originals[at] = std::exchange(types[at].open, kSlowed[at]);
  return true;
}();

}  // namespace
}  // namespace attnbench
