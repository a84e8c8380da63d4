#include "commands.h"

#include <memory>
#include <optional>
#include <system_error>

#include "counters.h"
#include "file.h"
#include "kernels.h"
#include "measure.h"
#include "peaks.h"
#include "sha256.h"
#include "system.h"

namespace attnbench {
namespace {

// Before any parser sees the file. The digest is the only guard against damaged weights: no runtime
// notices those, it just computes something else.
void check_artifact(const Options& options) {
  try {
    const MappedFile file(options.model);
    const auto bytes = file.bytes();
    if (bytes.size() < kMagicBytes) throw Failure(Stage::artifact, options.model + " is too short to be a model");
    const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), kMagicBytes);
    if (!options.engine->recognises(magic))
      throw Failure(Stage::artifact, options.model + " is not " + std::string(options.engine->artifact));
    if (!options.sha256.empty() && sha256_of_file(options.model) != options.sha256)
      throw Failure(Stage::artifact, options.model + " is not the file that was asked for (its SHA-256 differs)");
  } catch (const std::system_error& error) {
    throw Failure(Stage::artifact, error.what());
  }
}

void check_threads(int threads) {
  const std::size_t allowed = allowed_cpus().size();
  if (static_cast<std::size_t>(threads) > allowed)
    throw Failure(Stage::usage, std::to_string(threads) + " threads on " + std::to_string(allowed) +
                                    " processors: the pools spin, and the times would mean nothing");
}

void feed(Session& session, const std::string& path) {
  try {
    const MappedFile file(path);
    const std::size_t wanted = total_bytes(session.inputs());
    if (file.bytes().size() != wanted)
      throw Failure(Stage::input, path + " has " + std::to_string(file.bytes().size()) +
                                      " bytes, the model takes " + std::to_string(wanted));
    session.write_inputs(file.bytes());
  } catch (const std::system_error& error) {
    throw Failure(Stage::input, error.what());
  }
}

void save_outputs(Session& session, const std::string& path) {
  const Buffer buffer(total_bytes(session.outputs()));
  session.read_outputs(buffer.bytes());
  write_file(path, buffer.bytes());
}

json::Value describe(const std::vector<TensorSpec>& specs) {
  std::vector<json::Value> values;
  for (const TensorSpec& spec : specs) {
    values.push_back(json::Object{{"name", spec.name}, {"dtype", spec.dtype}, {"shape", spec.shape}});
  }
  return values;
}

// One engine with the sessions that a command wants of it; see engine.h for why nothing is destroyed.
class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options), engine_(*options.engine->open(options.open).release()) {}

  Session& load(const std::string& trace, const std::string& graph) {
    const std::int64_t start = now_ns();
    Session& session = *engine_.load({options_.model, trace, graph}).release();
    if (load_ns_ == 0) load_ns_ = now_ns() - start;
    return session;
  }

  // Hashes the libraries, so it comes after all measuring.
  json::Object document() const {
    std::vector<json::Value> libraries;
    for (const Library& library : engine_.libraries()) libraries.push_back(library.identity());
    return {{"status", "ok"},
            {"engine", options_.engine->name},
            {"version", engine_.version()},
            {"libraries", libraries},
            {"threads", options_.open.threads},
            {"cpus", allowed_cpus()}};
  }

  json::Object document(const Session& session) const {
    json::Object document = this->document();
    document.set("inputs", describe(session.inputs()));
    document.set("outputs", describe(session.outputs()));
    document.set("load_ns", load_ns_);
    return document;
  }

 private:
  const Options& options_;
  Engine& engine_;
  std::int64_t load_ns_ = 0;
};

json::Object run(const Options& options) {
  Bench bench(options);
  Session& session = bench.load("", "");
  for (std::size_t i = 0; i < options.inputs.size(); ++i) {
    feed(session, options.inputs[i]);
    session.prepare();
    session.run();
    save_outputs(session, options.outputs[i]);
  }
  return bench.document(session);
}

// Of plain inferences that nothing comes between: no traced copy, and no waiting for a phase.
std::optional<Counters> counters_for(const Options& options) {
  if (!options.trace.empty() || options.stagger_us > 0) return std::nullopt;
  return Counters();
}

json::Object time(const Options& options) {
  const std::optional<Counters> counters = counters_for(options);
  Bench bench(options);
  const bool traces = !options.trace.empty();
  Session* plain = !traces || options.paired ? &bench.load("", "") : nullptr;
  Session* traced = traces ? &bench.load(options.trace, options.graph) : nullptr;
  for (Session* session : {plain, traced})
    if (session != nullptr) feed(*session, options.inputs.front());

  const json::Value before = conditions();
  const Schedule schedule{options.warmup, options.iterations, options.stagger_us * std::int64_t{1000}};
  const Times times = measure(plain, traced, schedule, counters ? &*counters : nullptr);
  const json::Value after = conditions();
  const std::int64_t peak_rss = peak_rss_bytes();

  Session& primary = plain != nullptr ? *plain : *traced;
  if (traced != nullptr)
    write_file(options.trace, to_json(traced->stop_trace(times.traced_ns.size()), options.engine->name));
  if (!options.outputs.empty()) save_outputs(primary, options.outputs.front());

  json::Object document = bench.document(primary);
  document.set("first_ns", times.first_ns);
  document.set("warmup_ns", times.warmup_ns);
  document.set("plain_ns", times.plain_ns);
  document.set("traced_ns", times.traced_ns);
  document.set("prepare_ns", times.prepare_ns);
  document.set("peak_rss_bytes", peak_rss);
  document.set("counters", counters ? counters->read() : json::Value(nullptr));
  document.set("before", before);
  document.set("after", after);
  return document;
}

json::Object info(const Options& options) {
  Bench bench(options);
  return bench.document(bench.load("", ""));
}

json::Object about() {
  return {{"status", "ok"},
          {"c_library", c_library()},
          {"page_bytes", page_bytes()},
          {"simd", multiply_add().simd},
          {"cpus", allowed_cpus()}};
}

}  // namespace

json::Object execute(const Options& options) {
  if (!options.cpus.empty()) bind_to_cpus(options.cpus);  // before a library can start threads
  check_threads(options.open.threads);
  if (!options.model.empty()) check_artifact(options);
  switch (options.command) {
    case Command::run: return run(options);
    case Command::time: return time(options);
    case Command::info: return info(options);
    case Command::load: return Bench(options).document();
    case Command::peaks: return peaks(options);
    case Command::about: return about();
  }
  throw Failure(Stage::usage, "no command");
}

}  // namespace attnbench
