#include "trace.h"

#include "fine_clock.h"
#include "json.h"

namespace attnbench {
namespace {

const char* name_of(Level level) {
  switch (level) {
    case Level::op: return "operator";
    case Level::profiler: return "profiler";
    case Level::delegate: return "delegate";
    case Level::model: return "model";
  }
  return "";
}

void append(std::string& out, const std::vector<Event>& events) {
  out += '[';
  for (const Event& event : events) {
    if (out.back() != '[') out += ',';
    out += '[' + std::to_string(event.op) + ',' + std::to_string(event.start_ns) + ',' +
           std::to_string(event.ns) + ']';
  }
  out += ']';
}

}  // namespace

std::string to_json(const Trace& trace, std::string_view engine) {
  std::vector<json::Value> operators;
  for (const Operator& op : trace.operators)
    operators.push_back(json::Object{
        {"name", op.name}, {"kind", op.kind}, {"level", name_of(op.level)}, {"inputs", op.inputs}});
  std::string out = json::Object{
      {"engine", engine}, {"resolution_ns", trace.resolution_ns}, {"clock_read_ns", clock_read_ns()},
      {"operators", operators}}.text();
  out.pop_back();
  // Tens of thousands of events: appended, not built as values.
  out += ",\"iterations\":[";
  for (const auto& events : trace.iterations) {
    if (out.back() != '[') out += ',';
    append(out, events);
  }
  return out + "]}\n";
}

}  // namespace attnbench
