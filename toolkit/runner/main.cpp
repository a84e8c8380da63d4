// attnbench-runner: loads one artifact in one runtime, computes, times or traces it, and prints one
// JSON document.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <span>
#include <string>

#include "commands.h"
#include "failure.h"
#include "json.h"
#include "options.h"

namespace {

using attnbench::Failure;
using attnbench::Stage;
namespace json = attnbench::json;

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::usage: return "usage";
    case Stage::library: return "library";
    case Stage::artifact: return "artifact";
    case Stage::input: return "input";
    case Stage::run: return "run";
  }
  return "";
}

// Standard output is for the document alone: what runtimes print there goes to standard error.
int claim_stdout() {
  const int document = ::dup(STDOUT_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
  return document;
}

// By _exit: some runtimes crash in their destructors, and by now nothing is left to lose.
[[noreturn]] void finish(int descriptor, const json::Value& document, int code) {
  const std::string text = document.text() + '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written <= 0) ::_exit(static_cast<int>(Stage::run));
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ::_exit(code);
}

[[noreturn]] void finish(int descriptor, Stage stage, const char* message) {
  finish(descriptor, json::Object{{"status", "error"}, {"stage", name_of(stage)}, {"message", message}},
         static_cast<int>(stage));
}

}  // namespace

int main(int argc, char** argv) {
  const int document = claim_stdout();
  try {
    const auto options = attnbench::parse_options(std::span(argv, static_cast<std::size_t>(argc)));
    finish(document, attnbench::execute(options), EXIT_SUCCESS);
  } catch (const Failure& failure) {
    finish(document, failure.stage(), failure.what());
  } catch (const std::exception& error) {
    finish(document, Stage::run, error.what());
  }
}
