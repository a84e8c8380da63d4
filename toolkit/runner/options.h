// The command line.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine.h"

namespace attnbench {

enum class Command { run, time, info, load, peaks, about };

struct Options {
  Command command = Command::info;
  const EngineType* engine = nullptr;  // null for peaks and about
  std::string model;                   // "" for those and for load
  std::string sha256;
  std::string cpus;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  int warmup = 5;
  int iterations = 30;
  int stagger_us = 0;  // of time: see Schedule
  int array_kib = 0;  // of peaks; 0 follows the caches
  bool paired = false;
  OpenOptions open;
  std::string trace;
  std::string graph;
};

// Throws Failure(Stage::usage) unless the options make sense together.
Options parse_options(std::span<char*> arguments);

}  // namespace attnbench
