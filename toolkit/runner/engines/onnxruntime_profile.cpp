#include "onnxruntime_profile.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <optional>
#include <string_view>

#include "../failure.h"
#include "../fine_clock.h"

namespace attnbench::onnxruntime {
namespace {

constexpr std::string_view kKernel = "_kernel_time";
constexpr std::string_view kRun = "model_run";
constexpr std::int64_t kResolution = 1000 / kFineness;

// What follows `"key" :` on this line; the writer puts one space before the colon, and none or one after.
std::optional<std::string_view> after_key(std::string_view line, std::string_view key) {
  const std::string quoted = '"' + std::string(key) + "\" :";
  const std::size_t at = line.find(quoted);
  if (at == std::string_view::npos) return std::nullopt;
  line.remove_prefix(at + quoted.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return line;
}

std::string text(std::string_view line, std::string_view key) {
  std::string result;
  const auto value = after_key(line, key).value_or("");
  for (std::size_t i = 1; i < value.size() && value[i] != '"'; ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    result += value[i];
  }
  return result;
}

std::int64_t microseconds_in_ns(std::string_view line, std::string_view key) {
  const auto value = after_key(line, key).value_or("");
  std::int64_t microseconds = 0;
  if (std::from_chars(value.data(), value.data() + value.size(), microseconds).ec != std::errc())
    throw Failure(Stage::run, "ONNX Runtime's profile has an event without " + std::string(key));
  return microseconds * kResolution;
}

// `"input_type_shape" : [{"float":[1,3]},{"int64":[2]}]`: the number of braces before the list closes.
int count_inputs(std::string_view line) {
  const auto list = after_key(line, "input_type_shape").value_or("");
  int inputs = 0;
  int depth = 0;
  for (const char c : list) {
    inputs += c == '{';
    depth += (c == '[') - (c == ']');
    if (depth == 0) break;
  }
  return inputs;
}

std::optional<Operator> parse_operator(std::string_view line) {
  const std::string name = text(line, "name");
  if (text(line, "cat") == "Node" && name.ends_with(kKernel))
    return Operator{name.substr(0, name.size() - kKernel.size()), text(line, "op_name"), Level::op,
                    count_inputs(line)};
  if (name == kRun || name == "SequentialExecutor::Execute") return Operator{name, name, Level::model};
  return std::nullopt;
}

}  // namespace

Trace read_profile(const std::string& path, std::size_t runs) {
  std::ifstream file(path);
  OperatorTable table;
  std::vector<std::vector<Event>> iterations(1);
  for (std::string line; std::getline(file, line);) {
    const auto op = parse_operator(line);
    if (!op) continue;
    iterations.back().push_back(
        {table.index(*op), microseconds_in_ns(line, "ts"), microseconds_in_ns(line, "dur")});
    if (op->name == kRun) iterations.emplace_back();  // written when an inference has ended
  }
  iterations.pop_back();
  if (iterations.size() < runs)
    throw Failure(Stage::run, "ONNX Runtime profiled " + std::to_string(iterations.size()) + " inferences of " +
                                  std::to_string(runs));
  iterations.erase(iterations.begin(), iterations.end() - static_cast<std::ptrdiff_t>(runs));
  return {kResolution, table.take(), std::move(iterations)};
}

}  // namespace attnbench::onnxruntime
