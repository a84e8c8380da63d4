// For benchmarks only: every engine, made slower by a known share. What is added is a spin inside of
// the timed call, as long as that share of the inference before it in the thread's own processor time:
// a share of the wall clock's would be more where other processes interrupt. So it is for one thread.
// Linked last, after the engines, so that they have registered themselves by then.
#include <time.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "engine.h"

namespace attnbench {
namespace {

constexpr double kSlower = 0.03;

double own_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

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
    const double start = own_ns();
    inner_->run();
    const double end = own_ns();
    while (own_ns() < end + kSlower * (end - start)) {
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
