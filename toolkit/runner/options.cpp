#include "options.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace attnbench {
namespace {

constexpr std::string_view kUsage =
    "usage: attnbench-runner run  ENGINE MODEL (--input FILE --output FILE)...\n"
    "       attnbench-runner time ENGINE MODEL --input FILE [--output FILE] [--warmup N] [--iterations N]\n"
    "                             [--stagger-us N] [--trace FILE [--paired] [--graph FILE]]\n"
    "       attnbench-runner info ENGINE MODEL\n"
    "       attnbench-runner load ENGINE\n"
    "       attnbench-runner peaks [--iterations N] [--array-kib N]\n"
    "       attnbench-runner about\n"
    "all:   [--sha256 HEX] [--threads N] [--cpus LIST] [--lib-dir DIR] [--plugin FILE] [--lib-version V]";

struct Flag {
  std::string_view name;
  void (*set)(Options& options, const std::string& value);
};

[[noreturn]] void refuse(const std::string& message) { throw Failure(Stage::usage, message); }

int number(const std::string& text, int low) {
  constexpr int high = 1'000'000;
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < low || value > high)
    refuse("not a whole number from " + std::to_string(low) + " to " + std::to_string(high) + ": '" + text + "'");
  return value;
}

constexpr Flag kFlags[] = {
    {"--input", [](Options& o, const std::string& v) { o.inputs.push_back(v); }},
    {"--output", [](Options& o, const std::string& v) { o.outputs.push_back(v); }},
    {"--sha256", [](Options& o, const std::string& v) { o.sha256 = v; }},
    {"--threads", [](Options& o, const std::string& v) { o.open.threads = number(v, 1); }},
    {"--cpus", [](Options& o, const std::string& v) { o.cpus = v; }},
    {"--lib-dir", [](Options& o, const std::string& v) { o.open.library_directory = v; }},
    {"--lib-version", [](Options& o, const std::string& v) { o.open.version = v; }},
    {"--plugin", [](Options& o, const std::string& v) { o.open.plugin = v; }},
    {"--warmup", [](Options& o, const std::string& v) { o.warmup = number(v, 0); }},
    {"--iterations", [](Options& o, const std::string& v) { o.iterations = number(v, 1); }},
    {"--stagger-us", [](Options& o, const std::string& v) { o.stagger_us = number(v, 0); }},
    {"--array-kib", [](Options& o, const std::string& v) { o.array_kib = number(v, 1); }},
    {"--trace", [](Options& o, const std::string& v) { o.trace = v; }},
    {"--graph", [](Options& o, const std::string& v) { o.graph = v; }},
};

Command command_named(std::string_view name) {
  if (name == "run") return Command::run;
  if (name == "time") return Command::time;
  if (name == "info") return Command::info;
  if (name == "load") return Command::load;
  if (name == "peaks") return Command::peaks;
  if (name == "about") return Command::about;
  refuse("unknown command '" + std::string(name) + "'\n" + std::string(kUsage));
}

// How many of engine and model a command takes.
std::size_t names_of(Command command) {
  switch (command) {
    case Command::run:
    case Command::time:
    case Command::info: return 2;
    case Command::load: return 1;
    case Command::peaks:
    case Command::about: return 0;
  }
  return 0;
}

const EngineType* engine_named(std::string_view name) {
  const auto found = std::ranges::find(engine_types(), name, &EngineType::name);
  if (found != engine_types().end()) return &*found;
  std::string known;
  for (const EngineType& type : engine_types()) (known += ' ') += type.name;
  refuse("unknown engine '" + std::string(name) + "'; known:" + known);
}

void parse_flags(Options& options, std::deque<std::string> words) {
  while (!words.empty()) {
    const std::string name = words.front();
    words.pop_front();
    if (name == "--paired") {
      options.paired = true;
      continue;
    }
    const auto flag = std::ranges::find(kFlags, name, &Flag::name);
    if (flag == std::end(kFlags)) refuse("unknown option '" + name + "'");
    if (words.empty()) refuse(name + " needs a value");
    flag->set(options, words.front());
    words.pop_front();
  }
}

void check(const Options& options) {
  const bool times = options.command == Command::time;
  if (options.command == Command::run && (options.inputs.empty() || options.inputs.size() != options.outputs.size()))
    refuse("run takes as many --input as --output, and at least one");
  if (times && (options.inputs.size() != 1 || options.outputs.size() > 1))
    refuse("time takes one --input and at most one --output");
  if (!times && !options.trace.empty()) refuse("--trace goes with time");
  if (options.trace.empty() && (options.paired || !options.graph.empty()))
    refuse("--paired and --graph go with --trace");
  if (!options.graph.empty() && !options.engine->saves_graph)
    refuse("--graph: " + std::string(options.engine->name) + " saves no graph of its own");
}

// Everything lies beside the runner unless told otherwise. Under a private loader /proc/self/exe is
// the loader, so there it has to be told.
void set_defaults(Options& options) {
  std::error_code ignored;
  const auto home = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  options.open.library_directory = home / "lib";
  options.open.plugin = home / "libattnbench_executorch.so";
}

}  // namespace

Options parse_options(std::span<char*> arguments) {
  if (arguments.size() < 2) refuse(std::string(kUsage));
  Options options;
  set_defaults(options);
  options.command = command_named(arguments[1]);
  const std::size_t first_flag = 2 + names_of(options.command);
  if (arguments.size() < first_flag) refuse(std::string(kUsage));
  if (first_flag > 2) options.engine = engine_named(arguments[2]);
  if (first_flag > 3) options.model = arguments[3];
  const auto rest = arguments.subspan(first_flag);
  parse_flags(options, {rest.begin(), rest.end()});
  check(options);
  return options;
}

}  // namespace attnbench
