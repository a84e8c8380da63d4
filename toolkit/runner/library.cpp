#include "library.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "failure.h"
#include "sha256.h"

namespace attnbench {
namespace {

std::string find_file(const std::string& directory, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const std::string path = directory + "/" + name;
    if (::access(path.c_str(), R_OK) == 0) return path;
  }
  throw Failure(Stage::library, "no " + names.front() + " in " + directory);
}

struct BuildId {
  const std::string& path;
  std::string hex;
};

// Notes are a list of (header, name, description), each padded to four bytes.
void read_notes(const char* note, const char* end, std::string& hex) {
  const auto padded = [](std::size_t size) { return (size + 3) & ~std::size_t{3}; };
  while (note + sizeof(ElfW(Nhdr)) <= end) {
    ElfW(Nhdr) header;
    std::memcpy(&header, note, sizeof header);
    const char* name = note + sizeof header;
    const char* description = name + padded(header.n_namesz);
    note = description + padded(header.n_descsz);
    if (header.n_type != NT_GNU_BUILD_ID || note > end) continue;
    for (std::size_t i = 0; i < header.n_descsz; ++i) {
      std::array<char, 3> digits{};
      std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(description[i]));
      hex += digits.data();
    }
  }
}

int visit_object(dl_phdr_info* object, std::size_t, void* context) {
  auto& wanted = *static_cast<BuildId*>(context);
  if (object->dlpi_name == nullptr || wanted.path != object->dlpi_name) return 0;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const char* start = reinterpret_cast<const char*>(object->dlpi_addr + segment.p_vaddr);
    read_notes(start, start + segment.p_memsz, wanted.hex);
  }
  return 1;
}

}  // namespace

Library::Library(const std::string& directory, const std::vector<std::string>& names, Visibility visibility)
    : path_(find_file(directory, names)),
      handle_(::dlopen(path_.c_str(), RTLD_NOW | (visibility == Visibility::global ? RTLD_GLOBAL : RTLD_LOCAL))) {
  if (handle_ == nullptr) throw Failure(Stage::library, ::dlerror());
}

void* Library::find(const char* name) const {
  void* address = ::dlsym(handle_, name);
  if (address == nullptr) throw Failure(Stage::library, path_ + " has no " + name);
  return address;
}

json::Value Library::identity() const {
  BuildId build_id{path_, {}};
  ::dl_iterate_phdr(&visit_object, &build_id);
  const std::filesystem::path file(path_);
  return json::Object{{"file", file.filename().string()},
                      {"bytes", std::filesystem::file_size(file)},
                      {"build_id", build_id.hex},
                      {"sha256", sha256_of_file(path_)}};
}

}  // namespace attnbench
