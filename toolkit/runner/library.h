// Shared objects, opened by path and kept until the process ends.
#pragma once

#include <string>
#include <vector>

#include "json.h"

namespace attnbench {

class Library {
 public:
  enum class Visibility { local, global };

  // `directory` or "" and the names that the file may have there; the first that exists is opened.
  Library(const std::string& directory, const std::vector<std::string>& names,
          Visibility visibility = Visibility::local);

  template <class Function>
  Function* symbol(const char* name) const {
    return reinterpret_cast<Function*>(find(name));
  }

  const std::string& path() const { return path_; }

  // File name, size, build id (empty: the linker wrote none) and sha256, to say what ran.
  json::Value identity() const;

 private:
  void* find(const char* name) const;

  std::string path_;
  void* handle_;  // never closed: runtimes leave threads and exit handlers behind
};

}  // namespace attnbench
